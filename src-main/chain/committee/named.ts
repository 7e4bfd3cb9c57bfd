import type { Hex } from '../types.ts';
import { committeeErrors } from './errors.ts';
import type { CaseOf } from './types.ts';

interface Named {
  /** Ids, or how they begin; lower case. */
  readonly session: Hex;
  readonly node: Hex;
}

/** The one session, and the one node of it. Throws COMMITTEE_UNKNOWN_SESSION, COMMITTEE_UNKNOWN_NODE, COMMITTEE_AMBIGUOUS. */
export function caseNamed(sessions: Iterable<{ readonly sessionId: Hex; readonly nodeIds: readonly Hex[] }>, { session: sessionName, node: nodeName }: Named): CaseOf {
  const found = [...sessions].filter(({ sessionId }) => sessionId.startsWith(sessionName));
  const [session] = found;
  if (session === undefined) throw committeeErrors.unknownSession({ name: sessionName });
  if (found.length > 1) throw committeeErrors.ambiguous({ name: sessionName, candidates: found.slice(0, 20).map(({ sessionId }) => sessionId) });
  const nodes = session.nodeIds.filter((nodeId) => nodeId.startsWith(nodeName));
  const [nodeId] = nodes;
  if (nodeId === undefined) throw committeeErrors.unknownNode({ name: nodeName, nodes: session.nodeIds });
  if (nodes.length > 1) throw committeeErrors.ambiguous({ name: nodeName, candidates: nodes });
  return { sessionId: session.sessionId, nodeId };
}
