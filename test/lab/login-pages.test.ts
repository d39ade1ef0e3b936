import { parse } from 'node-html-parser';
import { expect, test } from 'vitest';
import { codePage, errorPage, passwordPage } from './login-pages.ts';

const hostile = `"><script>alert('&')</script>`;

test.each([
  ['password', passwordPage({ uid: 'u', refused: hostile }, [{ name: hostile, about: hostile }], hostile)],
  ['code', codePage({ uid: 'u', refused: hostile })],
  ['error', errorPage(hostile)],
])('the %s page shows what it is given as text', (_name, page) => {
  const document = parse(page);
  expect(document.querySelectorAll('script')).toEqual([]);
  expect(document.querySelector('[role=alert]')?.textContent).toBe(hostile);
});

test.each([
  ['password', passwordPage({ uid: 'u' }, [], '/people.json')],
  ['code', codePage({ uid: 'u' })],
])('every field of the %s page has a label', (_name, page) => {
  const document = parse(page);
  const labelled = document.querySelectorAll('label').map((label) => label.getAttribute('for'));
  const fields = document.querySelectorAll('input').map((input) => input.id);
  expect(fields.length).toBeGreaterThan(0);
  expect(labelled).toEqual(fields);
});
