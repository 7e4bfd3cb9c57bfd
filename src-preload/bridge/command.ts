import { z } from 'zod';

/** A command of the bridge; `errors` are the codes beyond COMMON_ERRORS that it can end with. */
export const command = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O, errors: readonly string[] = []) => ({ input, output, errors });

/** The input or the output of a command that has none. */
export const nothing = z.strictObject({});
