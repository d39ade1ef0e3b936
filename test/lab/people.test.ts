import { Secret, TOTP } from 'otpauth';
import { beforeEach, expect, test } from 'vitest';
import { createCast } from './cast.ts';
import type { Person } from './contract.ts';
import { createPeople, type People } from './people.ts';

const cast = createCast();
const person = (name: string): Person => cast.find((one) => one.name === name)!;
let people: People;

beforeEach(async () => {
  people = await createPeople(cast);
});

const wrong = { refused: 'That name and password do not go together.' };

test('the right password of an enabled person', async () => {
  expect(await people.checkPassword('alice', person('alice').password)).toMatchObject({ account: { name: 'alice' } });
  expect(await people.checkPassword('Alice', person('alice').password)).toMatchObject({ account: { name: 'alice' } });
});

test('a wrong password and an unknown name are told the same', async () => {
  expect(await people.checkPassword('alice', person('bob').password)).toEqual(wrong);
  expect(await people.checkPassword('nobody', '')).toEqual(wrong);
});

test('that an account is disabled is told only to who knows its password', async () => {
  expect(await people.checkPassword('mallory', 'x')).toEqual(wrong);
  expect(await people.checkPassword('mallory', person('mallory').password)).toEqual({
    refused: 'This account is disabled. Ask your administrator to enable it.',
  });
  expect(people.enabled(person('mallory').subject)).toBeUndefined();
});

test('tries run out, for the right password too, and for one name only', async () => {
  for (let count = 0; count < 10; count += 1) await people.checkPassword('alice', 'x');
  expect(await people.checkPassword('alice', person('alice').password)).toEqual({
    refused: 'Too many wrong tries. Wait five minutes, then try again.',
  });
  expect(await people.checkPassword('bob', person('bob').password)).toHaveProperty('account');
});

test('a one-time code is taken once, one from a clock slightly off too, and no older one after it', async () => {
  const { subject, totpSecret = '' } = person('carol');
  const totp = new TOTP({ secret: Secret.fromBase32(totpSecret) });
  const [now, next] = [totp.generate(), totp.generate({ timestamp: Date.now() + 30_000 })];
  expect(await people.checkCode(subject, next)).toHaveProperty('account');
  expect(await people.checkCode(subject, next)).toHaveProperty('refused');
  expect(await people.checkCode(subject, now)).toHaveProperty('refused');
  expect(await people.checkCode(person('alice').subject, now)).toHaveProperty('refused');
});

test('disabling ends an account at once', () => {
  const bob = people.subjectOf('bob') ?? '';
  people.setDisabled(bob, true);
  expect(people.enabled(bob)).toBeUndefined();
  people.setDisabled(bob, false);
  expect(people.enabled(bob)).toBeDefined();
  expect(people.subjectOf('nobody')).toBeUndefined();
});
