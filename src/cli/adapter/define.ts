/** The commands of `typetun adapter`: words, options, help. What they do is loaded when it is called. */

import { Argument, type Command, Option } from 'commander';
import { addViaOptions, type ViaOptions } from '../via/options.ts';
import { collect, integerOption } from '../values.ts';
import type { CreateOptions, SetOptions } from './options.ts';

/** How every argument that names an adapter reads. */
export const ADAPTER_HELP =
  'name of the interface, or device: \\\\.\\Device\\WINTUN7, WINTUN7 or 7';

const CREATED =
  '\nWithout a host only a persistent interface (--persist) can be made: every other goes with the\nprogram that has it.';
const CHANGED =
  '\nWithout a host the interface is opened for it, which takes that nobody else has it open; its routes\nare added to those there are.';
const NEEDS_HOST = '\nIt takes a host (typetun serve).';

export function addAdapterCommands(typetun: Command): void {
  const adapter = typetun
    .command('adapter')
    .description('adapters of the host, or without one the TUN interfaces of this machine');
  addList(adapter);
  addShow(adapter);
  addCreate(adapter);
  addSet(adapter);
  addTransition(adapter, 'pause', 'hold packets back: drop and count them until the restart');
  addTransition(adapter, 'restart', 'let packets pass again');
  addPower(adapter);
  addRemove(adapter);
}

function addList(adapter: Command): void {
  addViaOptions(adapter.command('list'))
    .description('list them, one a line')
    .action(async (options: ViaOptions) => {
      const { runList } = await import('./look.ts');
      process.exitCode = await runList(options);
    });
}

function addShow(adapter: Command): void {
  addViaOptions(adapter.command('show'))
    .description('show all there is to say of one, or of all')
    .argument('[adapter]', ADAPTER_HELP)
    .action(async (name: string | undefined, options: ViaOptions) => {
      const { runShow } = await import('./look.ts');
      process.exitCode = await runShow(name, options);
    });
}

function addCreate(adapter: Command): void {
  const create = adapter
    .command('create')
    .description('make one')
    .argument('<name>', 'of the interface, up to 15 characters');
  addChangeOptions(create, 'of the interface')
    .option('--persist', 'the interface stays when its program ends (Linux)')
    .option('--owner <uid>', 'user, by number, who may open the interface later', integerOption)
    .option('--group <gid>', 'group, by number, whose members may', integerOption)
    .addOption(
      new Option('--link <link>', 'what carries packets; memory is in the host alone').choices([
        ...['linux', 'veth', 'windows', 'macos', 'memory'],
      ]),
    )
    .addOption(
      new Option('--offload <what>', 'what becomes of super-packets').choices([
        ...['split', 'carry', 'off'],
      ]),
    )
    .addOption(
      new Option('--engine <engine>', 'what moves packets on Linux').choices([
        ...['auto', 'io_uring', 'syscalls'],
      ]),
    )
    .addOption(
      new Option('--drop-policy <policy>', 'what a full queue drops').choices([
        ...['drop-oldest', 'drop-newest'],
      ]),
    )
    .option('--queues <n>', 'hardware queues, 1 to 16', integerOption)
    .option('--queue-bytes <bytes>', "bound of the adapter's queue", integerOption)
    .option('--host-queue <packets>', "length of the system's queue in front", integerOption)
    .option('--no-prefetch', 'leave packets with the system while no read waits')
    .option('--ipv6-link-local', 'let the system make an fe80:: address')
    .option('--netns <namespace>', 'network namespace, by name or path (Linux)');
  addAccessOptions(addViaOptions(create))
    .addHelpText('after', CREATED)
    .action(async (name: string, options: CreateOptions) => {
      const { runCreate } = await import('./create.ts');
      process.exitCode = await runCreate(name, options);
    });
}

function addSet(adapter: Command): void {
  const set = adapter
    .command('set')
    .description('change addresses, MTU, routes or access; what is not given stays')
    .argument('<adapter>', ADAPTER_HELP);
  addChangeOptions(set, 'in place of those there are')
    .option('--no-address', 'take all addresses away')
    .option('--no-route', 'take all routes away');
  addAccessOptions(addViaOptions(set))
    .addHelpText('after', CHANGED)
    .action(async (name: string, options: SetOptions) => {
      const { runSet } = await import('./set.ts');
      process.exitCode = await runSet(name, options);
    });
}

function addTransition(adapter: Command, method: 'pause' | 'restart', description: string): void {
  addViaOptions(adapter.command(method))
    .description(description)
    .argument('<adapter>', ADAPTER_HELP)
    .addHelpText('after', NEEDS_HOST)
    .action(async (name: string, options: ViaOptions) => {
      const { runTransition } = await import('./transitions.ts');
      process.exitCode = await runTransition(method, name, options);
    });
}

function addPower(adapter: Command): void {
  addViaOptions(adapter.command('power'))
    .description('set device power: D1 to D3 hold packets back, D0 lets them pass')
    .argument('<adapter>', ADAPTER_HELP)
    .addArgument(new Argument('<state>', 'D0 to D3').choices(['D0', 'D1', 'D2', 'D3']))
    .addHelpText('after', NEEDS_HOST)
    .action(async (name: string, power: 'D0' | 'D1' | 'D2' | 'D3', options: ViaOptions) => {
      const { runPower } = await import('./transitions.ts');
      process.exitCode = await runPower(name, power, options);
    });
}

function addRemove(adapter: Command): void {
  addViaOptions(adapter.command('remove'))
    .description('halt one and remove its interface, a persistent one as well')
    .argument('<adapter>', ADAPTER_HELP)
    .action(async (name: string, options: ViaOptions) => {
      const { runRemove } = await import('./remove.ts');
      process.exitCode = await runRemove(name, options);
    });
}

/** What can be given when one is made, and changed later. */
function addChangeOptions(command: Command, which: string): Command {
  return command
    .option('--address <address/length>', `${which}; can be repeated`, collect)
    .option('--mtu <bytes>', 'bytes of the largest packet', integerOption)
    .option(
      '--route <prefix[@metric]>',
      'destination to route through it, such as 10.8.0.0/16; can be repeated',
      collect,
    );
}

function addAccessOptions(command: Command): Command {
  return command
    .option('--allow-user <user>', 'user who may use the device; can be repeated', collect)
    .option('--allow-group <group>', 'group whose members may; can be repeated', collect)
    .option('--allow-descriptor', 'those may be handed the descriptor itself');
}
