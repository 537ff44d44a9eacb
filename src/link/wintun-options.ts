/** What only Windows is asked, and says. */

/** What only Windows asks for. */
export interface WintunOptions {
  /**
   * Whole path of `wintun.dll`. Default: what the environment variable `TYPETUN_WINTUN_DLL` says, else the
   * one beside the program, else the one beside the Node executable.
   */
  readonly dll?: string;
  /** Whether `TYPETUN_WINTUN_DLL` is looked at: not by a service, which must not obey its users. Default true. */
  readonly environment?: boolean;
  /**
   * Loads a DLL whose publisher is not WireGuard LLC, or not known at all. It then runs with all your
   * rights, unchecked. For this adapter alone: others still refuse it. Default false.
   */
  readonly allowUnsigned?: boolean;
  /**
   * Bytes of the ring in each direction: a power of two from 131,072 to 67,108,864. Default: room for
   * `hostQueueLength` packets of the MTU's size.
   */
  readonly ringBytes?: number;
  /** The adapter's GUID, by which Windows knows it again. Default: one that follows from `name`. */
  readonly guid?: string;
  /** Opens the adapter `name` that another program made, and leaves it there as it was. Default false. */
  readonly existing?: boolean;
  /** Addresses of the name servers Windows is to ask through the adapter. */
  readonly dns?: readonly string[];
}

/** A DLL that an adapter would load. */
export interface WintunDll {
  readonly path: string;
  /** Who named it: the option, the environment variable, or nobody: it lies beside the program. */
  readonly from: string;
  /** Whether its publisher signed it: false only with `allowUnsigned`. */
  readonly trusted: boolean;
}

/** A Wintun adapter of this machine. */
export interface WintunAdapter {
  readonly name: string;
  /** What its maker called it: `typetun Tunnel` for ours, `WireGuard Tunnel`. */
  readonly description: string;
  readonly guid: string;
  readonly interfaceIndex: number;
  /** After which its device is named. */
  readonly luidIndex: number;
}
