import { hexToBytes, zeroAddress } from 'viem';
import { abis, BindingBook, describeBinding, economyErrors, type Asker, type BindingSubject, type Consents, type Hex, type NodeSigner, type SumChain } from '../../chain/index.ts';
import { peerIdOf } from '../paid/index.ts';

export interface BindingsInit {
  readonly path: string;
  readonly node: NodeSigner;
  readonly consents: Consents;
}

/** The node's signature for accounts of other wallets: made once its owner approved exactly that, and given out for nothing else. */
export class Bindings {
  readonly #init: BindingsInit;
  readonly #book: BindingBook;
  /** What is being asked, so that whoever asks again waits for the same decision. */
  readonly #asking = new Map<Hex, Promise<void>>();

  constructor(init: BindingsInit) {
    this.#init = init;
    this.#book = new BindingBook(init.path, init.node.nodeId);
  }

  /** Signs for this account what was approved for it. Throws ECONOMY_BINDING_NOT_APPROVED. */
  signerFor(account: Hex): NodeSigner {
    return {
      nodeId: this.#init.node.nodeId,
      sign: async (message) => {
        const signature = await this.#book.find(message);
        if (signature === undefined) throw economyErrors.bindingNotApproved({ account });
        return signature;
      },
    };
  }

  /** Resolves when it is approved, at once where it was before. Throws ECONOMY_NOT_POSSIBLE, WALLET_REFUSED, WALLET_EXPIRED, WALLET_TOO_MANY_WAITING. */
  async ask(chain: SumChain, account: Hex, asker: Asker): Promise<void> {
    const subject = await this.#subject(chain, account);
    if (await this.#book.find(hexToBytes(subject.message)) !== undefined) return;
    const asking = this.#asking.get(subject.message) ?? this.#decided(subject, asker).finally(() => this.#asking.delete(subject.message));
    this.#asking.set(subject.message, asking);
    await asking;
  }

  async #decided(subject: BindingSubject, asker: Asker): Promise<void> {
    await this.#init.consents.ask({ asker, subject });
    const message = hexToBytes(subject.message);
    await this.#book.keep(message, await this.#init.node.sign(message));
  }

  async #subject({ client, network }: SumChain, account: Hex): Promise<BindingSubject> {
    const { nodeId } = this.#init.node;
    const on = { address: network.contracts.NodeRegistry, abi: abis.NodeRegistry, args: [nodeId] } as const;
    const [owner, nonce] = await Promise.all([client.readContract({ ...on, functionName: 'ownerOf' }), client.readContract({ ...on, functionName: 'nonceOf' })]);
    if (owner !== zeroAddress) throw economyErrors.notPossible({ op: 'bind', reason: `the node belongs to ${owner}` });
    return describeBinding({ network, nodeId, peer: peerIdOf(nodeId), account, nonce });
  }
}
