/** What holds for all commands, in words: for the manual page and docs/cli.md. */

import { EXIT_STATUSES } from '../errors.ts';
import { HOST_VARIABLE } from '../via/options.ts';

/** A paragraph, terms with what they mean, or lines to be typed. Words in backquotes are to be taken literally. */
export type Block =
  | { readonly text: string }
  | { readonly terms: readonly (readonly [term: string, meaning: string])[] }
  | { readonly shell: readonly string[] };

export interface Topic {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const SUMMARY: string = 'a layer 3 TUN driver: its adapters, their packets, its host';

export const TOPICS: readonly Topic[] = [
  {
    title: 'Where commands work',
    blocks: [
      {
        text: 'Adapters belong to a program. The one that is made for it is the host, `typetun serve`: its adapters outlive those who use them. `adapter`, `device`, `stats` and `properties` work on the host when one runs, else in their own process, as far as that makes sense: on the TUN interfaces of this machine that no program has open, persistent ones above all. Which it was is said on standard error, and with `--json` by the member `via`: `host` or `process`.',
      },
      {
        text: `A host is looked for at the place that \`--host\` says, else at that of \`${HOST_VARIABLE}\`, else in \`$RUNTIME_DIRECTORY\`, \`$XDG_RUNTIME_DIR/typetun\` and \`/run/typetun\`, in this order. One that was named must be there. \`--no-host\` works in the command's own process in any case.`,
      },
    ],
  },
  {
    title: 'Names of adapters',
    blocks: [
      {
        text: 'An adapter is named by its interface (`demo`), or by its device: `\\\\.\\Device\\WINTUN7`, `WINTUN7` or `7`, where 7 is the index of the interface. The shell wants the first in quotes.',
      },
    ],
  },
  {
    title: 'Output',
    blocks: [
      {
        text: 'With `--json` standard output holds exactly one object, in one line. Of commands that work on a host its `ok` says how it went; where it is false `error` has the message and, where there is one, its code (`TunErrorCode` of the API). After a wrong call, which ends with 2, there is none. `stats --watch` prints one object a line. Where standard output is for something else (`run`, `device read`, `device open`) the object is on standard error.',
      },
      {
        text: 'Messages are on standard error. There are colours on a terminal only, and none where `NO_COLOR` is set.',
      },
    ],
  },
  {
    title: 'Exit status',
    blocks: [
      { terms: EXIT_STATUSES },
      {
        text: "That of `run` is its command's own: 127 when there is no such command, 126 when it cannot be run, 125 when it was not even tried.",
      },
    ],
  },
  {
    title: 'Environment',
    blocks: [
      {
        terms: [
          [HOST_VARIABLE, 'run directory of the host, or its control socket; see above'],
          ['RUNTIME_DIRECTORY, XDG_RUNTIME_DIR', 'where a host is looked for otherwise'],
          ['NO_COLOR', 'no colours, whatever its value is, unless it is empty'],
          ['TYPETUN_DEBUG', 'errors with all that is known of them, if it is not empty'],
        ],
      },
    ],
  },
  {
    title: 'Files',
    blocks: [
      {
        terms: [
          [
            'control',
            'in the run directory: what the host is controlled by (docs/control-protocol.md)',
          ],
          [
            'WINTUN<index>',
            'in the run directory: a device, for programs in any language (docs/device-protocol.md)',
          ],
        ],
      },
    ],
  },
  {
    title: 'Examples',
    blocks: [
      { text: 'As root, with a host that runs (`typetun serve`):' },
      {
        shell: [
          'typetun adapter create demo --address 10.7.0.1/24 --mtu 1420',
          'typetun adapter list',
          'typetun adapter set demo --route 10.8.0.0/16',
          'typetun device read demo --seconds 1 --format pcapng > demo.pcapng',
          'typetun stats demo --watch --count 2',
          'typetun adapter pause demo',
          'typetun adapter remove demo',
        ],
      },
      { text: 'Without one, an interface that user 1000 may use from then on:' },
      {
        shell: [
          'typetun adapter create tun0 --no-host --persist --owner 1000 --address 10.9.0.1/24',
          'typetun adapter show tun0 --no-host --json',
          'typetun adapter remove tun0 --no-host',
        ],
      },
    ],
  },
];
