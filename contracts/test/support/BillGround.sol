// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bill, Bills, NodeSignature} from "../../src/lib/Bills.sol";
import {Test} from "./Test.sol";

/// @dev Bills of nodes with real identities.
abstract contract BillGround is Test {
    function nodeOf(uint256 secret) internal pure returns (bytes32) {
        return vm.publicKeyEd25519(bytes32(secret));
    }

    /// @dev Ten layers, a hundred tokens, ten SUM.
    function billOf(uint256 secret, bytes32 sessionId) internal pure returns (Bill memory) {
        return Bill(sessionId, keccak256(abi.encode("work", sessionId)), nodeOf(secret), 0, 9, 100, 10e18, bytes32("receipts"));
    }

    function signBill(uint256 secret, Bill memory bill, address settlement) internal view returns (NodeSignature memory) {
        return abi.decode(vm.signEd25519("", Bills.message(bill, settlement), bytes32(secret)), (NodeSignature));
    }

    /// @dev Root and both paths of a tree of two bills.
    function pairUp(bytes32 first, bytes32 second) internal pure returns (bytes32 root, bytes32[] memory toFirst, bytes32[] memory toSecond) {
        (toFirst, toSecond) = (new bytes32[](1), new bytes32[](1));
        (toFirst[0], toSecond[0]) = (Bills.leafOf(second), Bills.leafOf(first));
        root = toFirst[0] < toSecond[0] ? keccak256(abi.encode(toFirst[0], toSecond[0])) : keccak256(abi.encode(toSecond[0], toFirst[0]));
    }
}
