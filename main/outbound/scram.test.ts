import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGuardedMemory } from '../secrets/guarded-memory.ts';
import { createScram, type ScramOptions } from './scram.ts';

const memory = createGuardedMemory();
const scram = (options: Partial<ScramOptions> & { readonly secret?: string } = {}) =>
  createScram({
    password: memory.seal(Buffer.from(options.secret ?? 'pencil')),
    binding: { kind: 'unable' },
    username: 'user',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    ...options,
  });

// RFC 7677 §3.
const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';
const refused = { code: 'backend_refused' };

describe('SCRAM-SHA-256', () => {
  it('gives the messages of RFC 7677 and accepts its server', async () => {
    const exchange = scram();
    expect(exchange.clientFirst.toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    expect((await exchange.answer(Buffer.from(serverFirst))).toString()).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    expect(() => {
      exchange.verify(Buffer.from(serverFinal));
    }).not.toThrow();
  });

  it.each([
    ['another signature', serverFinal.replace('6rri', '7rri')],
    ['an error', 'e=other-error'],
    ['nothing', ''],
    ['an extension', `${serverFinal},x=1`],
  ])('refuses a server that proves itself with %s', async (_what, text) => {
    const exchange = scram();
    await exchange.answer(Buffer.from(serverFirst));
    expect(() => {
      exchange.verify(Buffer.from(text));
    }).toThrow(expect.objectContaining(refused));
  });

  it.each([
    ['a nonce that is not ours', serverFirst.replace('r=rOpr', 'r=xOpr')],
    ['a nonce without a part of its own', 'r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['too few rounds', serverFirst.replace('4096', '4095')],
    ['too many rounds', serverFirst.replace('4096', '1000001')],
    ['rounds that are no number', serverFirst.replace('4096', '4096e9')],
    ['a salt that is none', serverFirst.replace('s=W22ZaJ0SNY7soEsUEjb6gQ==', 's=')],
    ['an extension it wants understood', `m=1,${serverFirst}`],
    ['bytes that are no text', `${serverFirst}\u0000`],
    ['far too much', `${serverFirst},x=${'y'.repeat(5000)}`],
  ])('refuses a challenge with %s', async (_what, text) => {
    await expect(scram().answer(Buffer.from(text))).rejects.toMatchObject(refused);
  });

  it('answers one challenge only, and verifies none before it', async () => {
    const exchange = scram();
    expect(() => {
      exchange.verify(Buffer.from(serverFinal));
    }).toThrow(expect.objectContaining(refused));
    await exchange.answer(Buffer.from(serverFirst));
    await expect(exchange.answer(Buffer.from(serverFirst))).rejects.toMatchObject(refused);
  });

  it.each(['päncil', 'two words', 'tab\there'])(
    'refuses a password that would have to be prepared (%s)',
    async (secret) => {
      await expect(scram({ secret }).answer(Buffer.from(serverFirst))).rejects.toMatchObject(refused);
    },
  );

  it('binds the channel, and says so when the server did not offer it', async () => {
    const hash = createHash('sha256').update('certificate').digest();
    const plus = scram({ binding: { kind: 'plus', hash } });
    expect(plus.mechanism).toBe('SCRAM-SHA-256-PLUS');
    const final = (await plus.answer(Buffer.from(serverFirst))).toString();
    const bound = Buffer.concat([Buffer.from('p=tls-server-end-point,,'), hash]).toString('base64');
    expect(final.startsWith(`c=${bound},r=`)).toBe(true);
    expect(scram({ binding: { kind: 'unoffered' } }).clientFirst.toString()).toMatch(/^y,,/);
    // The proof covers the binding: computed here a second time, from the RFC.
    const [withoutProof, proof] = final.split(',p=');
    const salted = pbkdf2Sync('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096, 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    const stored = createHash('sha256').update(clientKey).digest();
    const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,${serverFirst},${withoutProof!}`;
    const signature = createHmac('sha256', stored).update(message).digest();
    expect(Buffer.from(proof!, 'base64')).toEqual(Buffer.from(clientKey.map((value, at) => value ^ signature[at]!)));
  });
});
