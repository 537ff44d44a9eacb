/**
 * What the program and the helper in the new namespace say to each other, on three descriptors of the
 * helper besides the command's own:
 *
 * ```
 *  3  control   lines of JSON both ways; the adapter's descriptors travel with READY
 *  4  order     one JSON object from the program, until end of file: what is to be done
 *  5  stderr    the command's standard error; 2 is where the helper and unshare(1) complain
 * ```
 *
 * ```
 *  program                              helper
 *     order ──────────────────────────►   (in the namespaces)
 *       ◄──────────────────── STEP ...    before each of its steps
 *       ◄─────────── READY + descriptors
 *     GO ─────────────────────────────►
 *       ◄──── FAILED, or end of file: the descriptor closes as the helper turns into the command
 * ```
 */

/** Descriptors of the helper. */
export const HelperDescriptor = { CONTROL: 3, ORDER: 4, STDERR: 5 } as const;

/** What the helper is to do. */
export interface Order {
  /** Process id of the program: whose death ends the helper, and then the command. */
  readonly parent: number;
  /** What the adapter is to be made on. */
  readonly link: 'linux' | 'veth';
  readonly adapter: {
    readonly name?: string;
    readonly addresses: readonly string[];
    readonly mtu: number;
    readonly routes: readonly string[];
    readonly offload: 'split' | 'carry' | 'off';
    readonly ipv6LinkLocal: boolean;
  };
  /** What is to be read in /etc/resolv.conf. */
  readonly resolver?: string;
  /** The command's name and arguments. */
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
}

/** The helper's steps, as they complete "failed while ...". */
export type Step =
  | 'entering new namespaces'
  | 'bringing the loopback interface up'
  | 'making the adapter'
  | 'laying the DNS configuration over /etc/resolv.conf'
  | 'handing the adapter over'
  | 'waiting for the program'
  | 'starting the command';

/** A failure, as it crosses the process boundary. */
export interface Failure {
  readonly message: string;
  /** Code of a TunError. */
  readonly code?: string;
  /** What was thrown about a wrong argument. */
  readonly argument?: 'TypeError' | 'RangeError';
  readonly syscall?: string;
  readonly errno?: number;
}

/** From the helper. */
export type HelperMessage =
  | { readonly kind: 'step'; readonly step: Step }
  | {
      readonly kind: 'ready';
      readonly info: {
        readonly name: string;
        readonly mtu: number;
        readonly addresses: readonly string[];
      };
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** From the program: the command may start. */
export const GO = 'go';
