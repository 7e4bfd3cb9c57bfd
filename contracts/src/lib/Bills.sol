// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ed25519} from "./Ed25519.sol";

/// @notice What a node asks for its part of a paid session.
struct Bill {
    /// @dev The session of the settlement that pays.
    bytes32 sessionId;
    /// @dev Hash of the pipeline's session: the work itself, whoever pays for it.
    bytes32 workId;
    bytes32 nodeId;
    uint32 firstLayer;
    /// @dev Included: one layer is first = last.
    uint32 lastLayer;
    uint64 tokens;
    /// @dev In units of 1e-18 SUM.
    uint256 amount;
    /// @dev Merkle root of the receipts that the stages exchanged; not opened on chain.
    bytes32 receiptsRoot;
}

/// @notice The two halves of an Ed25519 signature.
struct NodeSignature {
    bytes32 r;
    bytes32 s;
}

/// @title Bills, as the libp2p identity of a node signs them at the end of a paid session
/// @dev The message names chain and settlement, so that a bill says nothing anywhere else. An honest node signs one bill a session and
/// bills one work once. Interim bills lie in the payer's vouchers and are not signed by the node.
library Bills {
    /// @dev No other signature of a node's key begins so.
    bytes internal constant DOMAIN = "omninode/bill/1\x00";

    /// @return what the identity signs, 244 bytes: domain (16), chain id (32), settlement (20), session, work and node (32 each), layers (4 each),
    /// tokens (8), amount (32), receipts (32); all numbers with the highest byte first
    function message(Bill memory bill, address settlement) internal view returns (bytes memory) {
        return bytes.concat(
            abi.encodePacked(DOMAIN, block.chainid, settlement, bill.sessionId, bill.workId, bill.nodeId),
            abi.encodePacked(bill.firstLayer, bill.lastLayer, bill.tokens, bill.amount, bill.receiptsRoot)
        );
    }

    function hash(Bill memory bill, address settlement) internal view returns (bytes32) {
        return keccak256(message(bill, settlement));
    }

    /// @notice The leaf of a bill in a payer's voucher: hashed twice, so that no inner node of a tree passes for one.
    function leafOf(bytes32 billHash) internal pure returns (bytes32) {
        return keccak256(bytes.concat(billHash));
    }

    /// @notice Layers x tokens; 0 where the layers are none.
    function work(Bill memory bill) internal pure returns (uint256) {
        if (bill.lastLayer < bill.firstLayer) return 0;
        return (uint256(bill.lastLayer) - bill.firstLayer + 1) * bill.tokens;
    }

    /// @notice Whether the node that the bill names signed it: some 650,000 gas.
    function isSigned(Bill memory bill, address settlement, NodeSignature memory signature) internal view returns (bool) {
        return Ed25519.verify(bill.nodeId, signature.r, signature.s, message(bill, settlement));
    }
}
