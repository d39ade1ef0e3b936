// Starts the runtime over itself, without its flags, which then ends with 7; prints the error's name where it cannot.
import koffi from 'koffi';
import { constants } from 'node:os';

const start = koffi.load(null).func('int execve(const char *, const char **, const char **)');
start(process.execPath, [process.execPath, '-e', 'process.exit(7)', null], [null]);
console.log(JSON.stringify(Object.entries(constants.errno).find(([, number]) => number === koffi.errno())?.[0]));
