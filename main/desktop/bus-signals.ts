/**
 * Listens to signals of a D-Bus (D-Bus Specification, "Message Protocol" and "Authentication Protocol"), and asks nothing of it.
 * Guarantees: connects to a Unix socket only; messages over 64 KiB end the connection; anything it does not understand is skipped.
 * Trusts: the bus for who may send. Does not protect against: on the session bus, any program of this user that sends a signal.
 */
import { connect } from 'node:net';

export interface BusSignal {
  readonly interface: string;
  readonly member: string;
  /** Where its only argument is a boolean. */
  readonly flag?: boolean;
}

export interface BusListening {
  /** As in `DBUS_SESSION_BUS_ADDRESS`. */
  readonly address: string;
  /** Match rules. */
  readonly rules: readonly string[];
  readonly onSignal: (signal: BusSignal) => void;
  /** The bus answers: signals come from now on. */
  readonly onReady: () => void;
  /** It never answered, or is gone. */
  readonly onEnd: () => void;
}

const maxMessageBytes = 65_536;
const signalType = 4;

/** Answers how to stop. */
export function listenToBus({ address, rules, onSignal, onReady, onEnd }: BusListening): () => void {
  const path = socketPathOf(address);
  if (path === undefined) {
    setImmediate(onEnd);
    return () => undefined;
  }
  const socket = connect(path);
  let kept = Buffer.alloc(0);
  let isOpen = false;
  socket.once('connect', () => {
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  });
  socket.on('data', (bytes) => {
    kept = Buffer.concat([kept, bytes]);
    if (!isOpen) {
      const end = kept.indexOf('\r\n');
      if (end < 0) return;
      if (!kept.toString('latin1', 0, end).startsWith('OK ')) {
        socket.destroy();
        return;
      }
      kept = kept.subarray(end + 2);
      isOpen = true;
      socket.write('BEGIN\r\n');
      ['Hello', ...rules].forEach((rule, index) => socket.write(callOfBus(index + 1, index === 0 ? undefined : rule)));
      onReady();
    }
    for (let size = sizeOf(kept); size !== undefined && kept.length >= size; size = sizeOf(kept)) {
      if (size > maxMessageBytes) break;
      const signal = readSignal(kept.subarray(0, size));
      kept = kept.subarray(size);
      if (signal !== undefined) onSignal(signal);
    }
    if (kept.length > maxMessageBytes) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.once('close', onEnd);
  return () => {
    socket.off('close', onEnd);
    socket.destroy();
  };
}

/** The first Unix socket that the address names. */
function socketPathOf(address: string): string | undefined {
  const found = /(?:^|;)unix:(?:[^;]*,)?(path|abstract)=([^,;]+)/.exec(address);
  if (found === null) return undefined;
  const name = decodeURIComponent(found[2] ?? '');
  return found[1] === 'abstract' ? `\0${name}` : name;
}

const padded = (length: number, to: number): number => Math.ceil(length / to) * to;

/** `Hello` without a rule, else `AddMatch`. */
function callOfBus(serial: number, rule?: string): Buffer {
  const fields = [
    field(1, 'o', '/org/freedesktop/DBus'),
    field(6, 's', 'org.freedesktop.DBus'),
    field(2, 's', 'org.freedesktop.DBus'),
    field(3, 's', rule === undefined ? 'Hello' : 'AddMatch'),
    ...(rule === undefined ? [] : [Buffer.from([8, 1, 0x67, 0, 1, 0x73, 0])]),
  ];
  // Each starts at a multiple of 8; what follows the last one is not counted.
  const length = fields.reduce((sum, each) => padded(sum, 8) + each.length, 0);
  const body = rule === undefined ? Buffer.alloc(0) : textOf(rule);
  // Little endian, method call, no flags, version 1.
  const head = Buffer.alloc(16);
  head.set([0x6c, 1, 0, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(length, 12);
  return Buffer.concat([head, ...fields.map(filled), body]);
}

function field(code: number, type: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([code, 1, type.charCodeAt(0), 0]), textOf(value)]);
}

const filled = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(padded(bytes.length, 8) - bytes.length)]);

function textOf(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value), 0);
  return Buffer.concat([length, Buffer.from(`${value}\0`)]);
}

const uint = (bytes: Buffer, at: number): number =>
  bytes[0] === 0x6c ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);

/** Undefined while its head is not there. */
function sizeOf(bytes: Buffer): number | undefined {
  return bytes.length < 16 ? undefined : 16 + padded(uint(bytes, 12), 8) + uint(bytes, 4);
}

function readSignal(message: Buffer): BusSignal | undefined {
  if (message[1] !== signalType) return undefined;
  try {
    const fields = readFields(message);
    const body = 16 + padded(uint(message, 12), 8);
    return {
      interface: fields.get(2) ?? '',
      member: fields.get(3) ?? '',
      ...(fields.get(8) === 'b' ? { flag: uint(message, body) === 1 } : {}),
    };
  } catch {
    // Lengths that lie lead out of the message.
    return undefined;
  }
}

/** Those that are text, by their codes. */
function readFields(message: Buffer): ReadonlyMap<number, string> {
  const fields = new Map<number, string>();
  const end = 16 + uint(message, 12);
  for (let at = 16; at < end;) {
    at = padded(at, 8);
    const code = message.readUInt8(at);
    const type = message.toString('latin1', at + 2, at + 3);
    at += 4;
    if (type === 'u') {
      at = padded(at, 4) + 4;
      continue;
    }
    const isSignature = type === 'g';
    if (!isSignature && type !== 's' && type !== 'o') break;
    if (!isSignature) at = padded(at, 4);
    const length = isSignature ? message.readUInt8(at) : uint(message, at);
    at += isSignature ? 1 : 4;
    fields.set(code, message.toString('utf8', at, at + length));
    at += length + 1;
  }
  return fields;
}
