import { describe, expect, it } from 'vitest';
import { firstBytes } from './first-bytes.ts';
import { programLabel } from './label.ts';

describe('first bytes', () => {
  it.each([
    ['{"jsonrpc"', 'json-rpc'],
    ['\n', 'json-rpc'],
    ['GETX', 'json-rpc'],
    ['POST /mcp', 'http'],
    ['PRI * HTTP/2.0', 'http'],
    ['PO', 'undecided'],
  ])('%s is %s', (text, kind) => {
    expect(firstBytes(Buffer.from(text))).toBe(kind);
  });
});

describe('label', () => {
  it('says what a program claims and what the kernel says', () => {
    expect(programLabel(null, 'node')).toBe('node');
    expect(programLabel('claude-code', 'node')).toBe('claude-code (node)');
    expect(programLabel('', '')).toBe('unknown');
  });

  it('drops what could forge a line or hide text, and bounds it', () => {
    expect(programLabel('a\n\u202eb\u0000', 'node')).toBe('ab (node)');
    expect(programLabel('x'.repeat(1000), 'y'.repeat(1000))).toHaveLength(200);
  });
});
