import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConnectionRecord } from '../contract/channels.ts';
import { createTickets, type Cut, type Link, type Tickets, type TicketTerms } from './tickets.ts';

const callId = '0d6f3b51-7f3e-4a43-9a3e-4f5d3b1f0c11';
let records: ConnectionRecord[];
let tickets: Tickets;

beforeEach(() => {
  vi.useFakeTimers();
  records = [];
  tickets = createTickets({
    connector: 'postgres',
    configuredAddress: () => 'db:5432',
    onRecord: (record) => records.push(record),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const open = (terms: Partial<TicketTerms> = {}): void => {
  tickets.open({
    ticket: 't',
    callId,
    subject: 'alice',
    program: 'test',
    destinations: ['database'],
    deadlineMs: 1000,
    maxBytes: 100,
    ...terms,
  });
};
const admit = (): Link => {
  const link = tickets.admit('t', 'database');
  if (typeof link === 'string') throw new Error(link);
  return link;
};
const tell = (link: Link): string => (link.signal.reason as Cut).tell;

describe('tickets', () => {
  it('shares one byte budget between all streams of the call', () => {
    open();
    const [one, two] = [admit(), admit()];
    expect(one.received(60)).toBe(true);
    expect(two.received(41)).toBe(false);
    expect(tell(two)).toBe('output_not_allowed');
    expect(one.received(1)).toBe(false);
    expect(tickets.admit('t', 'database')).toBe('output_not_allowed');
    const sums = tickets.close('t').map(({ bytesFromBackend, code }) => [bytesFromBackend, code]);
    expect(sums).toEqual([
      [0, 'output_not_allowed'],
      [60, 'output_not_allowed'],
      [0, 'output_not_allowed'],
    ]);
  });

  it('cuts at the deadline, refuses afterwards, and is forgotten when nobody closes it', () => {
    open();
    const link = admit();
    vi.advanceTimersByTime(999);
    expect(link.over).toBe(false);
    vi.advanceTimersByTime(1);
    expect(tell(link)).toBe('connector_timeout');
    expect(tickets.admit('t', 'database')).toBe('connector_timeout');
    vi.advanceTimersByTime(60_000);
    expect(tickets.admit('t', 'database')).toBe('not_permitted');
  });

  it('keeps the first reason of an end', () => {
    open();
    const link = admit();
    link.dialled('127.0.0.1:5432');
    link.sent(5);
    tickets.cancel('t', 'paused');
    link.end('backend_unreachable');
    tickets.cutAll('access_ended');
    expect(tickets.close('t')).toEqual([
      expect.objectContaining({ code: 'paused', address: '127.0.0.1:5432', bytesToBackend: 5 }),
    ]);
    expect(records).toHaveLength(1);
  });

  it('closes what runs without a code in the record', () => {
    open();
    const link = admit();
    const [record] = tickets.close('t');
    expect(record).not.toHaveProperty('code');
    expect(record).toMatchObject({ address: 'db:5432' });
    expect(tell(link)).toBe('not_permitted');
    expect(tickets.close('t')).toEqual([]);
    vi.advanceTimersByTime(100_000);
    expect(records).toHaveLength(1);
  });

  it('bounds tickets, streams at once and streams in all', () => {
    open();
    for (let count = 0; count < 16; count += 1) admit();
    expect(tickets.admit('t', 'database')).toBe('rate_limited');
    tickets.close('t');
    open();
    for (let count = 0; count < 64; count += 1) admit().end();
    for (let count = 0; count < 100; count += 1) expect(tickets.admit('t', 'database')).toBe('rate_limited');
    expect(tickets.close('t').length).toBeLessThanOrEqual(64);
    for (let count = 0; count < 1024; count += 1) open({ ticket: String(count) });
    expect(() => {
      open({ ticket: 'one more' });
    }).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  });

  it('stays ended after access ended, for every ticket', () => {
    open();
    open({ ticket: 'u' });
    tickets.cutAll('access_ended');
    expect([tickets.admit('t', 'database'), tickets.admit('u', 'database')]).toEqual(['access_ended', 'access_ended']);
  });
});
