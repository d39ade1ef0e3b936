/** What stands around a secret, or makes up a harmless text: people, hosts, services, times. */
import type { Random } from './random.ts';

const people = [
  ...['anna', 'bruno', 'carla', 'dmitri', 'elif', 'farid', 'greta', 'hiro', 'ines', 'jonas', 'katja', 'liam', 'mei'],
  ...['nadia', 'oskar', 'priya', 'quentin', 'rosa', 'sven', 'tomasz', 'ursula', 'viktor', 'wanda', 'yusuf', 'zoe'],
];
const surnames = ['meyer', 'okafor', 'lindqvist', 'tanaka', 'rossi', 'novak', 'haddad', 'dubois', 'silva', 'kowalski'];
const products = [
  ...['billing', 'orders', 'ledger', 'catalog', 'shipping', 'identity', 'search', 'reports', 'invoices', 'payroll'],
  ...['inventory', 'warehouse', 'tickets', 'crm', 'mailer', 'gateway', 'metrics', 'booking', 'archive', 'intake'],
];
const zones = ['example.com', 'example.org', 'example.net', 'corp.example', 'intern.example', 'acme.test', 'lab.test'];
const levels = ['INFO', 'WARN', 'ERROR', 'DEBUG', 'info', 'warn', 'error', 'debug', 'FATAL', 'NOTICE'];
const cities = ['Berlin', 'Hamburg', 'Porto', 'Osaka', 'Nairobi', 'Lyon', 'Graz', 'Bergen', 'Toronto', 'Lima'];

const pad = (value: number, length = 2): string => String(value).padStart(length, '0');

export const person = (random: Random): string => random.pick(people);
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const fullName = (random: Random): string => `${capital(person(random))} ${capital(random.pick(surnames))}`;
export const product = (random: Random): string => random.pick(products);
export const zone = (random: Random): string => random.pick(zones);
export const city = (random: Random): string => random.pick(cities);
export const level = (random: Random): string => random.pick(levels);
export const host = (random: Random): string =>
  `${random.pick(['db', 'api', 'app', 'cache', 'git', 'mq', 'node'])}${random.between(1, 40)}.${product(random)}.${zone(random)}`;
export const email = (random: Random): string => `${person(random)}.${random.pick(surnames)}@${zone(random)}`;
export const ip = (random: Random): string => `10.${random.int(256)}.${random.int(256)}.${random.between(1, 254)}`;

export function date(random: Random): string {
  return `20${random.between(19, 27)}-${pad(random.between(1, 12))}-${pad(random.between(1, 28))}`;
}

export function time(random: Random): string {
  return `${pad(random.int(24))}:${pad(random.int(60))}:${pad(random.int(60))}`;
}

export function instant(random: Random): string {
  return `${date(random)}T${time(random)}.${pad(random.int(1000), 3)}Z`;
}

export function compactInstant(random: Random): string {
  return `${date(random).replaceAll('-', '')}T${time(random).replaceAll(':', '')}Z`;
}

/** The beginning of a log line, in one of the usual layouts. */
export function logHead(random: Random): string {
  const service = product(random);
  return random.pick([
    () => `${instant(random)} ${level(random)} [${service}]`,
    () => `${date(random)} ${time(random)},${pad(random.int(1000), 3)} ${level(random)} ${service}.Worker -`,
    () => `[${instant(random)}] ${service}/${random.between(100, 32000)} ${level(random)}:`,
    () => `level=${level(random).toLowerCase()} ts=${instant(random)} svc=${service}`,
    () => `${service}-${random.hex(9)}-${random.chars('bcdfghjklmnpqrstvwxz2456789', 5)} ${time(random)}`,
    () => `<${random.between(1, 191)}>1 ${instant(random)} ${host(random)} ${service} ${random.between(2, 30000)} - -`,
  ])();
}

/** In lines of a width, as armoured keys are. */
export function wrapped(text: string, width: number): string {
  return text.match(new RegExp(`.{1,${width}}`, 'g'))!.join('\n');
}

/** Apart, so that no scanner of this repository takes a source for a key. */
export const privateKey = ['PRIVATE', 'KEY'].join(' ');
