// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ICommittee} from "../src/interfaces/ICommittee.sol";
import {IStakes} from "../src/interfaces/IStakes.sol";
import {Bill, Bills} from "../src/lib/Bills.sol";
import {Settlement} from "../src/Settlement.sol";
import {ContractAccount} from "./support/Doubles.sol";
import {SumGround} from "./support/SumGround.sol";

contract SettlementTest is SumGround {
    address private constant STRANGER = address(0x57);
    bytes32 private sessionId;
    bytes32[] private none;

    function setUp() external {
        setUpSum();
        addNode(1, 10_000e18);
        addNode(2, 10_000e18);
        sessionId = openSession("first", 2);
    }

    function test_a_session_is_paid_by_vouchers_and_the_rest_goes_back() external {
        Bill memory one = billOf(1, sessionId);
        Bill memory two = billOf(2, sessionId);
        (bytes32 root, bytes32[] memory toOne, bytes32[] memory toTwo) = pairUp(hashOf(one), hashOf(two));
        vm.prank(STRANGER);
        settlement.post(sessionId, root, signVoucher(PAYER_KEY, sessionId, root));
        assertTrue(!settlement.isFinalRoot(sessionId, root), "not final");
        toFinality(sessionId);
        assertTrue(settlement.isFinalRoot(sessionId, root), "final");
        uint256 supply = token.totalSupply();
        vm.prank(ownerOf(1));
        settlement.claim(one, root, toOne);
        vm.prank(ownerOf(2));
        settlement.claim(two, root, toTwo);
        assertEq(token.balanceOf(ownerOf(1)), 9.5e18, "ten less the fee");
        assertEq(token.balanceOf(ownerOf(2)), 9.5e18, "ten less the fee");
        assertEq(supply - token.totalSupply(), 1e18, "burned");
        (uint256 work, uint256 fee) = settlement.rewardableOf(sessionId);
        assertEq(work, 2_000, "layers x tokens");
        assertEq(fee, 1e18, "fee");
        vm.prank(STRANGER);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(payer), 1_000_000e18 - 20e18, "the rest");
        assertEq(token.balanceOf(address(settlement)), 0, "nothing stays");
    }

    function test_what_is_settled_can_be_proven_one_by_one_and_at_once() external {
        (bytes32 one, bytes32 two) = (hashOf(billOf(1, sessionId)), hashOf(billOf(2, sessionId)));
        (bytes32 root, bytes32[] memory toOne, bytes32[] memory toTwo) = pairUp(one, two);
        settlement.post(sessionId, root, signVoucher(PAYER_KEY, sessionId, root));
        bytes memory proof = abi.encode(2, abi.encode(sessionId, root, toOne));
        assertTrue(!verifier.verifyProof(one, proof), "not final yet");
        toFinality(sessionId);
        assertTrue(verifier.verifyProof(one, proof), "one");
        assertTrue(verifier.verifyProof(two, abi.encode(2, abi.encode(sessionId, root, toTwo))), "two");
        assertTrue(!verifier.verifyProof(two, proof), "another path");
        assertTrue(!verifier.verifyProof(one, abi.encode(2, abi.encode(bytes32("other"), root, toOne))), "another session");
        // The root itself, and a leaf, are nodes of the tree and no bills.
        assertTrue(!verifier.verifyProof(root, abi.encode(2, abi.encode(sessionId, root, none))), "the root");
        assertTrue(!verifier.verifyProof(Bills.leafOf(one), proof), "a leaf");
        bytes32[] memory both = new bytes32[](2);
        (both[0], both[1]) = (one, two);
        bool[] memory flags = new bool[](1);
        flags[0] = true;
        assertTrue(verifier.verifyAggregatedProof(both, abi.encode(2, abi.encode(sessionId, root, none, flags))), "both at once");
        both[1] = bytes32("forged");
        assertTrue(!verifier.verifyAggregatedProof(both, abi.encode(2, abi.encode(sessionId, root, none, flags))), "a forged one");
    }

    /// @dev The payer signs a worse voucher later: what it signed first still binds, and nobody else can choose for the node.
    function test_a_voucher_is_never_taken_back() external {
        Bill memory good = billOf(1, sessionId);
        Bill memory worse = billOf(1, sessionId);
        (worse.amount, worse.tokens) = (1, 1);
        postOne(good);
        postOne(worse);
        toFinality(sessionId);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NotOwnerOfNode.selector, good.nodeId, payer));
        vm.prank(payer);
        settlement.claim(worse, Bills.leafOf(hashOf(worse)), none);
        claimOne(1, good);
        assertEq(token.balanceOf(ownerOf(1)), 9.5e18, "the better one");
        vm.expectRevert(abi.encodeWithSelector(Settlement.AlreadyClosed.selector, sessionId, good.nodeId));
        claimOne(1, worse);
    }

    function test_claims_need_time_voucher_and_path() external {
        Bill memory bill = billOf(1, sessionId);
        uint256 finalAt = settlement.finalAtOf(sessionId);
        bytes32 root = postOne(bill);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NotFinal.selector, finalAt));
        claimOne(1, bill);
        toFinality(sessionId);
        Bill memory more = billOf(1, sessionId);
        more.amount = 99e18;
        vm.expectRevert(abi.encodeWithSelector(Settlement.NotPosted.selector, Bills.leafOf(hashOf(more))));
        claimOne(1, more);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NotInVoucher.selector, hashOf(more), root));
        vm.prank(ownerOf(1));
        settlement.claim(more, root, none);
        Bill memory elsewhere = billOf(1, "no session");
        vm.expectRevert(abi.encodeWithSelector(Settlement.UnknownSession.selector, bytes32("no session")));
        claimOne(1, elsewhere);
        addNode(3, 1_000e18);
        Bill memory stranger = billOf(3, sessionId);
        vm.expectRevert(abi.encodeWithSelector(Settlement.UnknownNode.selector, sessionId, stranger.nodeId));
        claimOne(3, stranger);
        vm.warp(finalAt + 30 days);
        vm.expectRevert(abi.encodeWithSelector(Settlement.ClaimsEnded.selector, finalAt + 30 days));
        claimOne(1, bill);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(payer), 1_000_000e18, "all back");
    }

    function test_vouchers_are_the_payers_own_and_for_this_session() external {
        bytes32 other = openSession("second", 1);
        bytes32 root = "root";
        bytes memory strangers = signVoucher(0xbad, sessionId, root);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadSignature.selector, sessionId, root));
        settlement.post(sessionId, root, strangers);
        bytes memory good = signVoucher(PAYER_KEY, sessionId, root);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadSignature.selector, other, root));
        settlement.post(other, root, good);
        settlement.post(sessionId, root, good);
        vm.expectRevert(abi.encodeWithSelector(Settlement.AlreadyPosted.selector, root));
        settlement.post(sessionId, root, good);
        vm.expectRevert(abi.encodeWithSelector(Settlement.UnknownSession.selector, bytes32("no session")));
        settlement.post("no session", root, good);
        uint256 finalAt = settlement.finalAtOf(sessionId);
        bytes memory late = signVoucher(PAYER_KEY, sessionId, "late");
        vm.warp(finalAt);
        vm.expectRevert(abi.encodeWithSelector(Settlement.AlreadyFinal.selector, finalAt));
        settlement.post(sessionId, "late", late);
    }

    function test_a_payers_key_binds_whatever_code_its_account_has() external {
        bytes memory good = signVoucher(PAYER_KEY, sessionId, "root");
        vm.etch(payer, address(new ContractAccount("another digest")).code);
        settlement.post(sessionId, "root", good);
        assertTrue(settlement.isPosted(sessionId, "root"), "posted");
    }

    function test_a_contract_accounts_vouchers_are_what_it_says() external {
        vm.etch(payer, address(new ContractAccount(settlement.voucherDigest(sessionId, "root"))).code);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadSignature.selector, sessionId, bytes32("other")));
        settlement.post(sessionId, "other", "");
        settlement.post(sessionId, "root", "");
        assertTrue(settlement.isPosted(sessionId, "root"), "posted");
    }

    function test_where_nothing_was_posted_all_goes_back_at_finality_and_once() external {
        uint256 finalAt = settlement.finalAtOf(sessionId);
        vm.warp(finalAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NotFinal.selector, finalAt));
        settlement.refund(sessionId);
        vm.warp(finalAt);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(payer), 1_000_000e18, "all");
        vm.expectRevert(abi.encodeWithSelector(Settlement.NothingToRefund.selector, sessionId));
        settlement.refund(sessionId);
    }

    function test_what_a_node_may_still_claim_waits_for_it() external {
        Bill memory one = billOf(1, sessionId);
        postOne(one);
        toFinality(sessionId);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NothingToRefund.selector, sessionId));
        settlement.refund(sessionId);
        claimOne(1, one);
        settlement.refund(sessionId);
        assertEq(settlement.leftOf(sessionId), 100e18, "the other node's part");
        vm.warp(settlement.finalAtOf(sessionId) + 30 days);
        settlement.refund(sessionId);
        assertEq(settlement.leftOf(sessionId), 0, "all out");
    }

    function test_late_claims_are_paid_but_not_counted_for_rewards() external {
        Bill memory one = billOf(1, sessionId);
        postOne(one);
        vm.warp(settlement.finalAtOf(sessionId) + 4 days);
        claimOne(1, one);
        assertEq(token.balanceOf(ownerOf(1)), 9.5e18, "paid");
        (uint256 work, uint256 fee) = settlement.rewardableOf(sessionId);
        assertEq(work + fee, 0, "not counted");
        (work, fee) = settlement.rewardableOfNode(sessionId, one.nodeId);
        assertEq(work + fee, 0, "nor for the node");
    }

    function test_sessions_are_opened_within_bounds_and_with_active_nodes() external {
        (bytes32[] memory nodes, uint256[] memory caps) = (new bytes32[](1), new uint256[](1));
        (nodes[0], caps[0]) = (nodeOf(1), 1e18);
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(Settlement.SessionExists.selector, sessionId));
        settlement.openSession("first", 1 hours, nodes, caps);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadDuration.selector, 59));
        settlement.openSession("x", 59, nodes, caps);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadDuration.selector, 1 days + 1));
        settlement.openSession("x", 1 days + 1, nodes, caps);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadNodes.selector, 0, 0, 32));
        settlement.openSession("x", 1 hours, none, new uint256[](0));
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadNodes.selector, 33, 33, 32));
        settlement.openSession("x", 1 hours, new bytes32[](33), new uint256[](33));
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadNodes.selector, 1, 2, 32));
        settlement.openSession("x", 1 hours, nodes, new uint256[](2));
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadCap.selector, nodes[0], 0));
        settlement.openSession("x", 1 hours, nodes, new uint256[](1));
        (nodes, caps) = (new bytes32[](2), new uint256[](2));
        (nodes[0], nodes[1], caps[0], caps[1]) = (nodeOf(1), nodeOf(1), 1, 1);
        vm.expectRevert(abi.encodeWithSelector(Settlement.BadCap.selector, nodes[0], 1));
        settlement.openSession("x", 1 hours, nodes, caps);
        nodes[1] = nodeOf(9);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NodeNotActive.selector, nodes[1]));
        settlement.openSession("x", 1 hours, nodes, caps);
        vm.stopPrank();
        vm.prank(ownerOf(1));
        stakes.unstake(nodes[0]);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NodeNotActive.selector, nodes[0]));
        openSession("x", 1);
    }

    /// @dev Under a pause everything that was put aside still gets to where it belongs.
    function test_a_pause_stops_new_sessions_alone() external {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        settlement.pause();
        vm.prank(ADMIN);
        settlement.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        openSession("x", 1);
        Bill memory one = billOf(1, sessionId);
        postOne(one);
        toFinality(sessionId);
        claimOne(1, one);
        vm.warp(settlement.finalAtOf(sessionId) + 30 days);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(address(settlement)), 0, "nothing is trapped");
        vm.prank(ADMIN);
        settlement.unpause();
        openSession("x", 1);
    }

    function test_the_committee_is_named_once_and_first() external {
        Settlement bare = new Settlement(token, stakes, registry, ADMIN);
        vm.expectRevert(Settlement.NotWired.selector);
        bare.openSession("x", 1 hours, none, new uint256[](0));
        vm.prank(ADMIN);
        vm.expectRevert(Settlement.CommitteeAlreadyNamed.selector);
        settlement.nameCommittee(ICommittee(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        bare.nameCommittee(committee);
        assertEq(address(settlement.STAKES()), address(IStakes(stakes)), "stakes");
    }

    function test_nothing_is_refused_without_a_ruling() external {
        bytes32 node = nodeOf(1);
        vm.expectRevert(abi.encodeWithSelector(Settlement.NoRuling.selector, sessionId, node));
        settlement.refuse(sessionId, node);
        vm.expectRevert(abi.encodeWithSelector(Settlement.UnknownNode.selector, sessionId, bytes32("node")));
        settlement.refuse(sessionId, "node");
    }

    function testFuzz_pay_fee_and_rest_are_what_was_put_aside(uint256 amount, uint32 firstLayer, uint32 lastLayer, uint64 tokens) external {
        Bill memory bill = billOf(1, sessionId);
        (bill.amount, bill.firstLayer, bill.lastLayer, bill.tokens) = (amount, firstLayer, lastLayer, tokens);
        postOne(bill);
        toFinality(sessionId);
        uint256 supply = token.totalSupply();
        claimOne(1, bill);
        uint256 gross = amount < 100e18 ? amount : 100e18;
        assertEq(supply - token.totalSupply(), gross / 20, "fee");
        assertEq(token.balanceOf(ownerOf(1)), gross - gross / 20, "pay, at most the node's part");
        (uint256 work,) = settlement.rewardableOf(sessionId);
        assertEq(work, lastLayer < firstLayer ? 0 : (uint256(lastLayer) - firstLayer + 1) * tokens, "work");
        vm.warp(settlement.finalAtOf(sessionId) + 30 days);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(payer), 1_000_000e18 - gross, "the rest");
        assertEq(token.balanceOf(address(settlement)), 0, "nothing stays");
    }
}
