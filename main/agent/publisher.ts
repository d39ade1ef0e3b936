/**
 * Who signed a program, where the system's programs are signed: never on Linux. On macOS it is the team of the code signature
 * (SecCodeCopySigningInformation), on Windows the subject of the Authenticode certificate (WinVerifyTrust): neither is read yet, and
 * nothing there was verified, so a program there is known by its name alone.
 */
import type { Executable } from '../local-socket/process-view.ts';

/** Null: unsigned, or not read here. */
export type ReadPublisher = (executable: Executable) => string | null;

export const publisherOf: ReadPublisher = () => null;
