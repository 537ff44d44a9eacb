/** `typetun properties`: what an adapter is. */

import { Adapter, type AdapterProperties } from '../../index.ts';
import { formatBitRate, formatBytes } from '../format/quantity.ts';
import { listLines } from '../format/table.ts';
import { findInterface } from '../machine/interfaces.ts';
import type { Terminal } from '../terminal.ts';
import type { Via } from '../via/locate.ts';
import type { ViaOptions } from '../via/options.ts';
import { asked, perform } from '../via/perform.ts';

const BITS_PER_BYTE = 8;
const HEX = 16;
const HALF_BITS = 16;
const LOW_HALF = 0xffff;

/** Returns the exit status. */
export function runProperties(name: string, options: ViaOptions): Promise<number> {
  return perform(options, async (via) => {
    const properties = await read(via, name);
    return {
      result: { adapter: name, properties },
      lines: (terminal) => propertyLines(terminal, name, properties),
    };
  });
}

async function read(via: Via, reference: string): Promise<AdapterProperties> {
  if (via.via === 'host') {
    return await asked(via.control.call('adapter.properties', { adapter: reference }));
  }
  const adapter = await Adapter.open(findInterface(reference).name);
  try {
    return adapter.properties;
  } finally {
    await adapter.close();
  }
}

function propertyLines(terminal: Terminal, name: string, properties: AdapterProperties): string[] {
  const { medium, interfaceType, access, duplex, linkSpeed, driverVersion, vendorId } = properties;
  const { capabilities, offload, dropPolicy, prefetch, queueBytes, packetFilter } = properties;
  const speed = (bits: number): string => formatBitRate(bits / BITS_PER_BYTE);
  return listLines(terminal, `properties of ${name}`, [
    ['medium', `${medium}, ${interfaceType}, ${access}, ${duplex} duplex`],
    ['link', properties.link],
    ['link speed', `${speed(linkSpeed.transmit)} out, ${speed(linkSpeed.receive)} in`],
    ['driver version', `${driverVersion >>> HALF_BITS}.${driverVersion & LOW_HALF}`],
    ['vendor', `0x${vendorId.toString(HEX)}`],
    ['largest packet', formatBytes(properties.maximumFrame)],
    ['transmit buffer', formatBytes(properties.transmitBufferSpace)],
    ['receive buffer', formatBytes(properties.receiveBufferSpace)],
    ['packet filter', `0x${packetFilter.toString(HEX)}`],
    ['lookahead', formatBytes(properties.lookahead)],
    ['offload', offload],
    ['queue', `${dropPolicy}, ${formatBytes(queueBytes)}${prefetch ? ', filled ahead' : ''}`],
    ...Object.entries(capabilities).map(
      ([capability, value]) => [capability, text(value)] as const,
    ),
  ]);
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ') || 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
