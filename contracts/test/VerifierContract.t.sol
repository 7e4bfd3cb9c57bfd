// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICommittee} from "../src/interfaces/ICommittee.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {Bill, Bills, NodeSignature} from "../src/lib/Bills.sol";
import {VerifierContract} from "../src/VerifierContract.sol";
import {BillGround} from "./support/BillGround.sol";

/// @dev What bills alone prove; settled roots and rulings are with the contracts that make them.
contract VerifierContractTest is BillGround {
    address private constant SETTLEMENT = address(0x5e);
    VerifierContract private verifier;
    bytes32 private node;

    function setUp() external {
        verifier = new VerifierContract(ISettlement(SETTLEMENT), ICommittee(address(0xc0)));
        node = nodeOf(1);
    }

    function test_the_message_is_laid_out_as_documented() external view {
        Bill memory bill = Bill(bytes32(uint256(1)), bytes32(uint256(2)), bytes32(uint256(3)), 4, 5, 6, 7, bytes32(uint256(8)));
        bytes memory wanted = bytes.concat(
            "omninode/bill/1\x00", abi.encode(block.chainid), bytes20(SETTLEMENT), abi.encode(1, 2, 3), bytes4(uint32(4)), bytes4(uint32(5)), bytes8(uint64(6)), abi.encode(7, 8)
        );
        assertEq(keccak256(Bills.message(bill, SETTLEMENT)), keccak256(wanted), "bytes");
        assertEq(wanted.length, 244, "length");
        assertEq(Bills.work(bill), 12, "two layers, six tokens");
        bill.lastLayer = 3;
        assertEq(Bills.work(bill), 0, "no layers");
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: long.fuzz.runs = 20000
    function testFuzz_two_bills_of_a_session_are_one_fault_whichever_two(uint256 amount, uint64 tokens) external view {
        vm.assume(amount != 10e18 && tokens != 100);
        Bill[3] memory bills = [billOf(1, "s"), billOf(1, "s"), billOf(1, "s")];
        (bills[1].amount, bills[2].tokens) = (amount, tokens);
        (bytes32 faultId, uint256 bps) = verifier.verifyFault(node, _faulty(1, bills[0], bills[1]));
        (bytes32 sameId,) = verifier.verifyFault(node, _faulty(1, bills[2], bills[0]));
        assertEq(faultId, sameId, "one deed");
        assertEq(bps, 5_000, "half");
        Bill memory other = billOf(1, "other");
        (bytes32 otherId,) = verifier.verifyFault(node, _faulty(1, other, _withAmount(other, amount)));
        assertTrue(otherId != faultId, "another session, another deed");
    }

    function test_the_same_bill_twice_is_no_contradiction() external {
        Bill memory bill = billOf(1, "s");
        bytes32 hash = Bills.hash(bill, SETTLEMENT);
        bytes memory proof = _faulty(1, bill, bill);
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NoContradiction.selector, hash, hash));
        verifier.verifyFault(node, proof);
    }

    function test_bills_of_two_sessions_are_no_contradiction() external {
        (Bill memory one, Bill memory two) = (billOf(1, "s"), billOf(1, "t"));
        bytes memory proof = _faulty(1, one, two);
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NoContradiction.selector, Bills.hash(one, SETTLEMENT), Bills.hash(two, SETTLEMENT)));
        verifier.verifyFault(node, proof);
    }

    function test_one_work_billed_in_two_sessions_is_one_fault() external {
        (Bill memory one, Bill memory two, Bill memory three) = (billOf(1, "s"), billOf(1, "t"), billOf(1, "u"));
        (two.workId, three.workId) = (one.workId, one.workId);
        (bytes32 faultId, uint256 bps) = verifier.verifyFault(node, _faulty(2, one, two));
        (bytes32 sameId,) = verifier.verifyFault(node, _faulty(2, three, two));
        assertEq(faultId, sameId, "one deed");
        assertEq(bps, 5_000, "half");
        bytes memory sameSession = _faulty(2, one, _withAmount(one, 1));
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NoDoubleClaim.selector, one.workId, one.workId));
        verifier.verifyFault(node, sameSession);
        Bill memory honest = billOf(1, "v");
        bytes memory otherWork = _faulty(2, one, honest);
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NoDoubleClaim.selector, one.workId, honest.workId));
        verifier.verifyFault(node, otherWork);
    }

    function test_nobody_is_framed() external {
        Bill memory bill = billOf(1, "s");
        Bill memory forged = _withAmount(bill, 11e18);
        bytes memory proof = abi.encode(1, abi.encode(bill, signBill(1, bill, SETTLEMENT), forged, signBill(2, forged, SETTLEMENT)));
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NotSigned.selector, Bills.hash(forged, SETTLEMENT)));
        verifier.verifyFault(node, proof);
        proof = abi.encode(1, abi.encode(forged, signBill(1, bill, SETTLEMENT), bill, signBill(1, bill, SETTLEMENT)));
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NotSigned.selector, Bills.hash(forged, SETTLEMENT)));
        verifier.verifyFault(node, proof);
        proof = abi.encode(1, abi.encode(bill, signBill(1, bill, SETTLEMENT), forged, signBill(1, forged, address(0x5f))));
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NotSigned.selector, Bills.hash(forged, SETTLEMENT)));
        verifier.verifyFault(node, proof);
        proof = _faulty(1, bill, forged);
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.OtherNode.selector, nodeOf(2), node));
        verifier.verifyFault(nodeOf(2), proof);
    }

    function test_unknown_kinds_and_empty_statements_are_refused() external {
        bytes memory proof = abi.encode(uint256(9), bytes(""));
        bytes memory refused = abi.encodeWithSelector(VerifierContract.UnknownKind.selector, 9);
        vm.expectRevert(refused);
        verifier.verifyFault(node, proof);
        vm.expectRevert(refused);
        verifier.verifyProof(0, proof);
        vm.expectRevert(refused);
        verifier.verifyAggregatedProof(new bytes32[](1), proof);
        vm.expectRevert(VerifierContract.NoStatements.selector);
        verifier.verifyAggregatedProof(new bytes32[](0), proof);
    }

    function testFuzz_a_signed_bill_proves_itself_and_nothing_else(Bill memory bill, bytes32 other) external view {
        bill.nodeId = node;
        bytes32 hash = Bills.hash(bill, SETTLEMENT);
        vm.assume(other != hash);
        NodeSignature memory signature = signBill(1, bill, SETTLEMENT);
        assertTrue(verifier.verifyProof(hash, abi.encode(1, abi.encode(bill, signature))), "signed");
        assertTrue(!verifier.verifyProof(other, abi.encode(1, abi.encode(bill, signature))), "another statement");
        signature.s = other;
        assertTrue(!verifier.verifyProof(hash, abi.encode(1, abi.encode(bill, signature))), "another signature");
    }

    function test_many_signed_bills_at_once() external view {
        (Bill[] memory bills, NodeSignature[] memory signatures, bytes32[] memory statements) = (new Bill[](2), new NodeSignature[](2), new bytes32[](2));
        for (uint256 i = 0; i < 2; i++) {
            bills[i] = billOf(i + 1, "s");
            signatures[i] = signBill(i + 1, bills[i], SETTLEMENT);
            statements[i] = Bills.hash(bills[i], SETTLEMENT);
        }
        assertTrue(verifier.verifyAggregatedProof(statements, abi.encode(1, abi.encode(bills, signatures))), "both");
        assertTrue(!verifier.verifyAggregatedProof(statements, abi.encode(1, abi.encode(bills, new NodeSignature[](1)))), "a signature is missing");
        assertTrue(!verifier.verifyAggregatedProof(statements, abi.encode(1, abi.encode(new Bill[](1), signatures))), "a bill is missing");
        signatures[1] = signatures[0];
        assertTrue(!verifier.verifyAggregatedProof(statements, abi.encode(1, abi.encode(bills, signatures))), "one is not signed");
    }

    function _withAmount(Bill memory bill, uint256 amount) private pure returns (Bill memory) {
        return Bill(bill.sessionId, bill.workId, bill.nodeId, bill.firstLayer, bill.lastLayer, bill.tokens, amount, bill.receiptsRoot);
    }

    function _faulty(uint256 kind, Bill memory first, Bill memory second) private view returns (bytes memory) {
        return abi.encode(kind, abi.encode(first, signBill(1, first, SETTLEMENT), second, signBill(1, second, SETTLEMENT)));
    }
}
