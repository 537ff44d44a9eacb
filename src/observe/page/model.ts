/** What is looked at: the dashboard's page and `typetun top` show this, and nothing else. Plain JSON. */

export type StateName =
  | 'Halted'
  | 'Initializing'
  | 'Paused'
  | 'Restarting'
  | 'Running'
  | 'Pausing'
  | 'Halting'
  | 'Shutdown';

/** Per second, since the sample before. `out` is what the system sent, `in` what it was given. */
export interface Rates {
  readonly outPackets: number;
  readonly inPackets: number;
  readonly outBits: number;
  readonly inBits: number;
  /** Packets lost for any reason, both ways. */
  readonly drops: number;
  /** Packets per bundle read; 0 when none was. */
  readonly packetsPerBundle: number;
}

/** The rates at one time, for plots. */
export interface Point extends Rates {
  /** ms since 1970. */
  readonly time: number;
}

export interface Totals {
  readonly packets: number;
  readonly octets: number;
  readonly errors: number;
  readonly discards: number;
}

/** Packets lost for one reason since the adapter was made. */
export interface Drop {
  /** As the statistics call it: `queueFull`. */
  readonly reason: string;
  /** For people: `queue full`. */
  readonly label: string;
  readonly direction: 'out' | 'in';
  readonly count: number;
}

export interface ClientView {
  readonly id: number;
  readonly label: string;
  readonly role: 'packets' | 'descriptor';
  readonly packetsRead: number;
  readonly packetsWritten: number;
  readonly waitingReads: number;
}

export interface AdapterView {
  readonly name: string;
  /** `WINTUN7` */
  readonly device: string;
  readonly link: string;
  readonly state: StateName;
  readonly power: string;
  readonly media: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly origin: string;
  /** A client has the descriptor: rates and totals are the kernel's, and bundles are not seen. */
  readonly lent: boolean;
  readonly clients: readonly ClientView[];
  readonly rates: Rates;
  readonly out: Totals;
  readonly in: Totals;
  readonly bundles: {
    readonly read: number;
    readonly written: number;
    readonly maxPackets: number;
    /** Bundles read, by packets: 1, 2, up to 4, ... */
    readonly sizes: readonly number[];
  };
  readonly drops: readonly Drop[];
  readonly queued: { readonly packets: number; readonly bytes: number };
}

export interface HostView {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
}

/** How things stand. */
export interface Sample {
  /** ms since 1970. */
  readonly time: number;
  readonly host: HostView;
  readonly adapters: readonly AdapterView[];
}

/** Something that happened, in words. */
export interface Happening {
  readonly time: number;
  readonly text: string;
  readonly adapter?: string;
  /** Of a change of state: what it became. */
  readonly state?: StateName;
}

/** What a page is told first. */
export interface Hello {
  readonly intervalMs: number;
  /** Whether pause and restart may be asked for. */
  readonly controls: boolean;
  /** Of each adapter, oldest first. */
  readonly history: Readonly<Record<string, readonly Point[]>>;
  readonly happenings: readonly Happening[];
  readonly sample: Sample;
}
