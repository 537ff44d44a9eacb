/**
 * Parses filters in the syntax of pcap-filter(7), as much of it as docs/capture.md says. As there, `and` and
 * `or` bind alike, from left to right, and `not` binds closest; an address or a number by itself repeats the
 * qualifiers before it: `tcp dst port 80 or 443`.
 */

import {
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../../wire/ip.ts';
import { hostOf, netOf, numberOf, portRangeOf } from './operands.ts';
import type { End, Expression, Primitive } from './syntax.ts';
import { filterError, type Token, tokensOf } from './tokens.ts';

/** Parentheses within each other, and primitives, of one filter: a bound on recursion. */
const MAX_DEPTH = 100;
const MAX_PRIMITIVES = 1000;
const MAX_PROTOCOL = 255;
const MAX_LENGTH = 0xffff_ffff;

const TYPES = ['host', 'net', 'port', 'portrange', 'proto'] as const;
type Type = (typeof TYPES)[number];

/** Words that say what kind of packet it is. */
const PROTOCOLS: ReadonlyMap<string, Primitive> = new Map<string, Primitive>([
  ['ip', { kind: 'version', version: 4 }],
  ['ip6', { kind: 'version', version: 6 }],
  ['tcp', { kind: 'protocol', protocol: IP_PROTOCOL_TCP, version: undefined }],
  ['udp', { kind: 'protocol', protocol: IP_PROTOCOL_UDP, version: undefined }],
  ['icmp', { kind: 'protocol', protocol: IP_PROTOCOL_ICMP, version: 4 }],
  ['icmp6', { kind: 'protocol', protocol: IP_PROTOCOL_ICMPV6, version: 6 }],
]);

const PRIMITIVE =
  'is where one of host, net, port, portrange, proto, src, dst, ip, ip6, tcp, udp, icmp, icmp6, inbound, outbound, less, greater, not or an address belongs';
/** An address or a number: what can stand without a keyword. */
const OPERAND = /^[0-9]|:/;

/** What stands before an operand. */
interface Qualifiers {
  readonly type: Type;
  readonly end: End;
  /** The word for it, and where it is. */
  readonly protocol: Token | undefined;
}

/** @throws TypeError naming the position, and what belongs there. */
export function parseFilter(filter: string): Expression {
  if (typeof filter !== 'string') throw new TypeError(`a filter is text, not ${typeof filter}`);
  return new Parser(filter).parse();
}

class Parser {
  readonly #filter: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #primitives = 0;
  /** Of the last operand: a next one without any takes them over. */
  #qualifiers: Qualifiers | undefined;

  constructor(filter: string) {
    this.#filter = filter;
    this.#tokens = tokensOf(filter);
  }

  parse(): Expression {
    const expression = this.#expression();
    if (this.#text !== '') throw this.#wrong('is where "and", "or" or the end belongs');
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  get #text(): string {
    return this.#token.text;
  }

  /** The token after the present one. */
  get #following(): string {
    return this.#tokens[this.#at + 1]?.text ?? '';
  }

  #take(): Token {
    const token = this.#token;
    if (token.text !== '') this.#at++;
    return token;
  }

  #takeIf(...texts: readonly string[]): boolean {
    if (!texts.includes(this.#text)) return false;
    this.#at++;
    return true;
  }

  #wrong(problem: string, token: Token = this.#token): TypeError {
    return filterError(this.#filter, token, problem);
  }

  #expression(): Expression {
    return this.#chain(() => this.#term());
  }

  /** Terms joined by `and` and `or`, from left to right. */
  #chain(term: () => Expression): Expression {
    let left = term();
    for (;;) {
      const kind = this.#takeIf('and', '&&') ? 'and' : this.#takeIf('or', '||') ? 'or' : undefined;
      if (kind === undefined) return left;
      left = { kind, left, right: term() };
    }
  }

  #term(): Expression {
    if (this.#takeIf('not', '!')) return { kind: 'not', of: this.#deeper(() => this.#term()) };
    if (this.#text !== '(') return this.#primitive();
    return this.#parenthesis(() => this.#expression());
  }

  #parenthesis(inner: () => Expression): Expression {
    this.#take();
    const expression = this.#deeper(inner);
    if (!this.#takeIf(')')) throw this.#wrong('is where ")" belongs');
    return expression;
  }

  #deeper(inner: () => Expression): Expression {
    if (this.#depth === MAX_DEPTH) throw this.#wrong('lies too deep; use fewer parentheses');
    this.#depth++;
    const expression = inner();
    this.#depth--;
    return expression;
  }

  #primitive(): Expression {
    const token = this.#token;
    if (++this.#primitives > MAX_PRIMITIVES)
      throw this.#wrong('is one too many; use networks and ranges');
    const protocol = PROTOCOLS.has(token.text) ? this.#take() : undefined;
    const end = this.#end();
    const type = TYPES.find((one) => one === this.#text);
    if (type !== undefined) this.#take();
    if (type === undefined && !OPERAND.test(this.#text)) return this.#other(protocol, end, token);
    const inherited = protocol === undefined && end === undefined && type === undefined;
    const qualifiers =
      inherited && this.#qualifiers !== undefined
        ? this.#qualifiers
        : { type: type ?? 'host', end: end ?? 'either', protocol };
    this.#check(qualifiers, end, type === undefined ? this.#token : token);
    this.#qualifiers = qualifiers;
    return this.#operands(qualifiers);
  }

  /** `src`, `dst`, `src or dst`, `src and dst`, and the same the other way round. */
  #end(): End | undefined {
    const first = this.#text;
    if (first !== 'src' && first !== 'dst') return undefined;
    this.#take();
    const other = first === 'src' ? 'dst' : 'src';
    if (this.#following !== other) return first;
    if (this.#takeIf('or', '||')) this.#take();
    else if (this.#takeIf('and', '&&')) {
      this.#take();
      return 'both';
    } else return first;
    return 'either';
  }

  /** What has no operand, or one of its own. */
  #other(protocol: Token | undefined, end: End | undefined, first: Token): Expression {
    if (end !== undefined)
      throw this.#wrong('is where host, net, port, portrange or an address belongs');
    this.#qualifiers = undefined;
    if (protocol !== undefined) return PROTOCOLS.get(first.text)!;
    const { text } = this.#take();
    if (text === 'inbound' || text === 'outbound') {
      return { kind: 'direction', outbound: text === 'outbound' };
    }
    if (text === 'less') return { kind: 'length', least: 0, most: this.#number(MAX_LENGTH) };
    if (text === 'greater') {
      return { kind: 'length', least: this.#number(MAX_LENGTH), most: MAX_LENGTH };
    }
    throw this.#wrong(PRIMITIVE, first);
  }

  #check({ type, protocol }: Qualifiers, end: End | undefined, found: Token): void {
    const name = protocol?.text;
    if (type === 'proto' && end !== undefined)
      throw this.#wrong('cannot stand before "proto"', found);
    if (name === undefined) return;
    const allowed = type === 'port' || type === 'portrange' ? ['tcp', 'udp'] : ['ip', 'ip6'];
    if (allowed.includes(name)) return;
    throw this.#wrong(
      `cannot stand before "${type}"; give ${allowed.join(' or ')}, or neither`,
      protocol,
    );
  }

  /** One operand, or several in parentheses: `port (80 or 443)`. */
  #operands(qualifiers: Qualifiers): Expression {
    if (this.#text !== '(') return this.#operand(qualifiers);
    return this.#parenthesis(() => this.#chain(() => this.#operandTerm(qualifiers)));
  }

  #operandTerm(qualifiers: Qualifiers): Expression {
    if (!this.#takeIf('not', '!')) return this.#operands(qualifiers);
    return { kind: 'not', of: this.#deeper(() => this.#operandTerm(qualifiers)) };
  }

  #operand({ type, end, protocol }: Qualifiers): Expression {
    const version = protocol?.text === 'ip' ? 4 : protocol?.text === 'ip6' ? 6 : undefined;
    if (type === 'proto') {
      return { kind: 'protocol', protocol: this.#protocolNumber(), version };
    }
    const token = this.#take();
    if (type === 'port' || type === 'portrange') {
      const range = portRangeOf(this.#filter, token, type === 'portrange');
      const ported = PROTOCOLS.get(protocol?.text ?? '');
      const number = ported?.kind === 'protocol' ? ported.protocol : undefined;
      return { kind: 'port', end, protocol: number, ...range };
    }
    const mask = type === 'net' && this.#takeIf('mask') ? this.#take() : undefined;
    const prefix = type === 'host' ? hostOf(this.#filter, token) : netOf(this.#filter, token, mask);
    if (version !== undefined && version !== prefix.family) {
      throw this.#wrong(`is no address of "${protocol!.text}"`, token);
    }
    return { kind: 'address', end, prefix };
  }

  /** Behind `proto`: a number, or a name, which pcap wants behind a backslash. */
  #protocolNumber(): number {
    const name = PROTOCOLS.get(this.#text.replace(/^\\/, ''));
    if (name?.kind !== 'protocol') return this.#number(MAX_PROTOCOL);
    this.#take();
    return name.protocol;
  }

  #number(most: number): number {
    return numberOf(this.#filter, this.#take(), most);
  }
}
