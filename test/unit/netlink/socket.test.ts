/** The socket against a scripted kernel: what a real one does once in a blue moon. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunError, type TunErrorCode } from '#dist/errors.js';
import { Errno } from '#dist/os/libc.js';
import { MessageBuilder, setSequence } from '#dist/os/netlink-builder.js';
import { NetlinkRefusal } from '#dist/os/netlink-refusal.js';
import { NetlinkSocket } from '#dist/os/netlink-socket.js';
import { HOST_LITTLE_ENDIAN } from '#dist/wire/bundle.js';
import { ffiSkip } from '../../support/ffi.ts';
import { ScriptedKernel } from './scripted-kernel.ts';

const options = { skip: ffiSkip() };
const [ERROR, DONE, NEWLINK] = [2, 3, 16];
const MULTI = 0x002;
const INTERRUPTED = 0x010;

function refusal(code: TunErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isTunError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };
}

function request(): Uint8Array {
  return new MessageBuilder(18, 0x005, 0).finish();
}

function message(type: number, sequence: number, flags = 0, body = 0): Uint8Array {
  const bytes = new MessageBuilder(type, flags, 4).u32(0, body).finish();
  setSequence(bytes, sequence);
  return bytes;
}

function acknowledgement(sequence: number, errno = 0): Uint8Array {
  const bytes = new MessageBuilder(ERROR, 0x100, 20).u32(0, -errno >>> 0).finish();
  setSequence(bytes, sequence);
  return bytes;
}

function together(...messages: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(messages));
}

test('returns what came before the acknowledgement, in one datagram or two', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    kernel.incoming = [
      { datagram: message(NEWLINK, sequence, 0, 7) },
      { datagram: acknowledgement(sequence) },
    ];
  };
  assert.deepEqual(
    socket.request(request()).map((answer) => [answer.type, answer.u32(0)]),
    [[NEWLINK, 7]],
  );
  kernel.answer = (sequence) => {
    const datagram = together(message(NEWLINK, sequence, 0, 8), acknowledgement(sequence));
    kernel.incoming = [{ datagram }];
  };
  assert.equal(socket.request(request())[0]?.u32(0), 8);
  assert.notDeepEqual(kernel.sent[0]?.slice(8, 12), kernel.sent[1]?.slice(8, 12));
});

test('collects all parts of a dump', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    const part = (body: number): Uint8Array => message(NEWLINK, sequence, MULTI, body);
    kernel.incoming = [
      { datagram: together(part(1), part(2)) },
      { datagram: part(3) },
      { datagram: message(DONE, sequence, MULTI) },
    ];
  };
  const bodies = socket.request(request()).map((answer) => answer.u32(0));
  assert.deepEqual(bodies, [1, 2, 3]);
});

test('repeats a dump that something changed under, from the start', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    const flags = kernel.sent.length < 3 ? MULTI | INTERRUPTED : MULTI;
    kernel.incoming = [
      { datagram: message(NEWLINK, sequence, MULTI, kernel.sent.length) },
      { datagram: message(DONE, sequence, flags) },
    ];
  };
  const bodies = socket.request(request()).map((answer) => answer.u32(0));
  assert.deepEqual(bodies, [3]);
});

test('gives up on a dump that is always interrupted', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    kernel.incoming = [{ datagram: message(DONE, sequence, MULTI | INTERRUPTED) }];
  };
  assert.throws(
    () => socket.request(request()),
    refusal('ERR_TUN_SYSCALL', /changed under each of 10 attempts/),
  );
  assert.equal(kernel.sent.length, 10);
});

test('passes over what answers an earlier request, and over notifications', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    kernel.incoming = [
      { datagram: together(message(NEWLINK, sequence - 1), acknowledgement(sequence - 1, 1)) },
      { datagram: message(NEWLINK, 0) },
      { datagram: together(message(NEWLINK, sequence, 0, 7), acknowledgement(sequence)) },
    ];
  };
  assert.deepEqual(
    socket.request(request()).map((answer) => answer.u32(0)),
    [7],
  );
});

test('believes nobody but the kernel', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    kernel.incoming = [
      { datagram: acknowledgement(sequence, Errno.EPERM), port: 4321 },
      { datagram: acknowledgement(sequence) },
    ];
  };
  assert.deepEqual(socket.request(request()), []);
  kernel.incoming = [{ datagram: message(NEWLINK, 0), port: 4321 }];
  assert.deepEqual(socket.receive(), []);
});

test('a refusal carries the error number, and no privilege its own code', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  for (const [errno, code] of [
    [Errno.EEXIST, 'ERR_TUN_SYSCALL'],
    [Errno.EPERM, 'ERR_TUN_NO_PRIVILEGE'],
  ] as const) {
    kernel.answer = (sequence) => {
      kernel.incoming = [{ datagram: acknowledgement(sequence, errno) }];
    };
    assert.throws(
      () => socket.request(request()),
      (error) => error instanceof NetlinkRefusal && error.errno === errno && error.code === code,
    );
  }
});

test('goes on after a signal', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.sendErrors = [Errno.EINTR, Errno.EINTR];
  kernel.answer = (sequence) => {
    kernel.incoming = [Errno.EINTR, { datagram: acknowledgement(sequence) }];
  };
  assert.deepEqual(socket.request(request()), []);
  assert.equal(kernel.sent.length, 1);
});

test('waits for a late answer in short steps, and not for ever', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  let now = 0;
  context.mock.method(performance, 'now', () => {
    now += 50;
    return now;
  });
  assert.throws(
    () => socket.request(request()),
    refusal('ERR_TUN_SYSCALL', /did not answer .* within 2000 ms/),
  );
  assert.ok(kernel.waits.length > 10 && kernel.waits.length < 100);
  assert.ok(kernel.waits.every((timeoutMs) => timeoutMs > 0 && timeoutMs <= 100));
});

test('refuses a datagram that was cut short', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.incoming = [{ length: 65_537 }];
  assert.throws(() => socket.receive(), refusal('ERR_TUN_SYSCALL', /datagram of 65537 bytes/));
});

test('refuses a message that claims to be longer than its datagram', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    const datagram = acknowledgement(sequence);
    new DataView(datagram.buffer).setUint32(0, 0x7fffffff, HOST_LITTLE_ENDIAN);
    kernel.incoming = [{ datagram }];
  };
  assert.throws(() => socket.request(request()), refusal('ERR_TUN_SYSCALL', /cannot be read/));
});

test('answers stay what they were when the next request is made', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = (sequence) => {
    const body = kernel.sent.length;
    kernel.incoming = [
      { datagram: together(message(NEWLINK, sequence, 0, body), acknowledgement(sequence)) },
    ];
  };
  const [first] = socket.request(request());
  socket.request(request());
  assert.equal(first?.u32(0), 1);
});

test('takes all notifications that are there, none being an empty list', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open(1);
  assert.deepEqual(socket.receive(), []);
  kernel.incoming = [
    { datagram: message(NEWLINK, 0, 0, 1) },
    Errno.EINTR,
    { datagram: together(message(NEWLINK, 0, 0, 2), message(NEWLINK, 0, 0, 3)) },
  ];
  const received = socket.receive();
  assert.ok(received !== 'overrun');
  assert.deepEqual(
    received.map((one) => one.u32(0)),
    [1, 2, 3],
  );
});

test('leaves the rest of a flood for the next time', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open(1);
  kernel.incoming = Array.from({ length: 300 }, () => ({ datagram: message(NEWLINK, 0) }));
  assert.equal(socket.receive().length, 256);
  assert.equal(socket.receive().length, 44);
});

test('says when the kernel dropped notifications, and throws the rest away', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open(1);
  kernel.incoming = [
    { datagram: message(NEWLINK, 0) },
    Errno.ENOBUFS,
    { datagram: message(NEWLINK, 0) },
  ];
  assert.equal(socket.receive(), 'overrun');
  assert.deepEqual(socket.receive(), []);
});

test('an answer that the kernel dropped is an error, not a short answer', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  kernel.answer = () => {
    kernel.incoming = [Errno.ENOBUFS];
  };
  assert.throws(() => socket.request(request()), refusal('ERR_TUN_SYSCALL', /ENOBUFS/));
});

test('closes its descriptor once, also when it could not be bound', options, (context) => {
  const kernel = new ScriptedKernel(context);
  const socket = NetlinkSocket.open();
  socket.close();
  socket.close();
  assert.deepEqual(kernel.closed, [socket.fd]);
  kernel.bindErrno = Errno.EPERM;
  assert.throws(() => NetlinkSocket.open(1), refusal('ERR_TUN_SYSCALL', /bind failed with EPERM/));
  assert.deepEqual(kernel.closed, [socket.fd, socket.fd]);
});
