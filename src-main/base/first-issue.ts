/** What zod's errors have, of which only this is read. */
interface Refusal {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

/** The first thing that is wrong, and where: `messages.0.role Invalid option`. */
export const firstIssue = ({ issues: [issue] }: Refusal): string => `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim();
