/** What a filter says: the tree that parse.ts makes and compile.ts turns into a test. */

import type { Prefix } from '../../wire/address.ts';

/** Which end of a packet: source, destination, one of the two, both. */
export type End = 'src' | 'dst' | 'either' | 'both';

export type Primitive =
  | { readonly kind: 'version'; readonly version: 4 | 6 }
  | {
      readonly kind: 'protocol';
      readonly protocol: number;
      /** Undefined for both. */
      readonly version: 4 | 6 | undefined;
    }
  | {
      readonly kind: 'address';
      readonly end: End;
      /** A host, or a network. */
      readonly prefix: Prefix;
    }
  | {
      readonly kind: 'port';
      readonly end: End;
      /** TCP or UDP; undefined for both. */
      readonly protocol: number | undefined;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'length'; readonly least: number; readonly most: number }
  | { readonly kind: 'direction'; readonly outbound: boolean };

export type Expression =
  | Primitive
  | { readonly kind: 'not'; readonly of: Expression }
  | {
      readonly kind: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
    };
