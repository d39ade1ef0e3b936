/** For connectors that ship: `JSON.parse` that loses nothing. */
export { parseExactly } from '../../main/contract/exact-json.ts';
