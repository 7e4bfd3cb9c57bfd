// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {ICommittee} from "../src/interfaces/ICommittee.sol";
import {Bill} from "../src/lib/Bills.sol";
import {Settlement} from "../src/Settlement.sol";
import {StakingContract} from "../src/StakingContract.sol";
import {VerifierContract} from "../src/VerifierContract.sol";
import {SumGround} from "./support/SumGround.sol";

contract CommitteeTest is SumGround {
    address private constant CHALLENGER = address(0xc1);
    uint256 private constant FIRST = 2;
    uint256 private constant CANDIDATES = 7;
    bytes32 private sessionId;
    bytes32 private accused;
    Bill private bill;

    function setUp() external {
        setUpSum();
        accused = addNode(1, 10_000e18);
        for (uint256 i = 0; i < CANDIDATES; i++) _addCandidate(FIRST + i);
        fund(CHALLENGER, 1_000e18, address(committee));
        sessionId = openSession("session", 1);
        bill = billOf(1, sessionId);
        postOne(bill);
    }

    function test_three_for_wrong_refuse_the_claim_and_slash() external {
        _openAndDraw();
        _vote(3, 2);
        committee.conclude(sessionId, accused);
        assertEq(uint256(committee.standingOf(sessionId, accused)), uint256(ICommittee.Standing.Upheld), "upheld");
        assertEq(stakes.stakedOf(accused), 8_000e18, "a fifth");
        assertEq(committee.owed(CHALLENGER), 190e18 + 100e18, "bond less five seats, and the reporter's part of the cut");
        toFinality(sessionId);
        vm.expectRevert(abi.encodeWithSelector(Settlement.WasRefused.selector, sessionId, accused));
        claimOne(1, bill);
        settlement.refuse(sessionId, accused);
        vm.expectRevert(abi.encodeWithSelector(Settlement.AlreadyClosed.selector, sessionId, accused));
        settlement.refuse(sessionId, accused);
        settlement.refund(sessionId);
        assertEq(token.balanceOf(payer), 1_000_000e18, "the payer pays nothing");
        bytes memory proof = abi.encode(3, abi.encode(sessionId));
        vm.expectRevert(abi.encodeWithSelector(StakingContract.AlreadyPunished.selector, keccak256(abi.encode(3, accused, sessionId))));
        stakes.slash(accused, proof);
        _withdrawAll();
    }

    function test_three_for_right_give_the_bond_to_the_node() external {
        _openAndDraw();
        toFinality(sessionId);
        vm.expectRevert(abi.encodeWithSelector(Settlement.CaseOpen.selector, sessionId, accused));
        claimOne(1, bill);
        vm.warp(committee.caseOf(sessionId, accused).deadline - 1);
        _vote(2, 3);
        committee.conclude(sessionId, accused);
        assertEq(committee.owed(ownerOf(1)), 190e18, "the bond less the seats");
        assertEq(stakes.stakedOf(accused), 10_000e18, "not slashed");
        toFinality(sessionId);
        claimOne(1, bill);
        bytes memory proof = abi.encode(3, abi.encode(sessionId));
        vm.expectRevert(abi.encodeWithSelector(VerifierContract.NoRuling.selector, sessionId, accused));
        stakes.slash(accused, proof);
        _withdrawAll();
    }

    function test_without_a_majority_the_bond_goes_back_less_the_votes() external {
        _openAndDraw();
        _vote(2, 2);
        uint256 end = uint256(committee.caseOf(sessionId, accused).deadline) + 1 days;
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, end));
        committee.conclude(sessionId, accused);
        vm.warp(end);
        committee.conclude(sessionId, accused);
        assertEq(uint256(committee.standingOf(sessionId, accused)), uint256(ICommittee.Standing.Undecided), "undecided");
        assertEq(committee.owed(CHALLENGER), 192e18, "less four seats");
        claimOne(1, bill);
        vm.expectRevert(abi.encodeWithSelector(Committee.CaseNotOpen.selector, sessionId, accused));
        committee.conclude(sessionId, accused);
        _withdrawAll();
    }

    function test_a_case_that_nobody_draws_ends_by_time() external {
        _open();
        uint256 end = committee.caseOf(sessionId, accused).deadline;
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, end));
        committee.conclude(sessionId, accused);
        vm.warp(end);
        vm.roll(block.number + 10);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooLate.selector, end));
        committee.draw(sessionId, accused);
        committee.conclude(sessionId, accused);
        assertEq(committee.owed(CHALLENGER), 200e18, "all of the bond");
        assertEq(committee.drawsDue(), 0, "no draw is due");
        _withdrawAll();
    }

    function test_a_forgotten_block_is_replaced_by_a_later_one() external {
        _open();
        vm.roll(block.number + 300);
        committee.draw(sessionId, accused);
        assertTrue(!committee.caseOf(sessionId, accused).isDrawn, "not drawn");
        assertEq(committee.caseOf(sessionId, accused).drawBlock, block.number + 4, "named anew");
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, block.number + 5));
        committee.draw(sessionId, accused);
        vm.roll(block.number + 5);
        committee.draw(sessionId, accused);
        assertTrue(committee.caseOf(sessionId, accused).isDrawn, "drawn");
        vm.expectRevert(Committee.AlreadyDrawn.selector);
        committee.draw(sessionId, accused);
    }

    function testFuzz_no_party_sits_and_nobody_sits_twice(bytes32 salt, uint256 challengerIs) external {
        _addCandidateToo(1);
        for (uint256 i = 0; i < 3; i++) _addCandidate(FIRST + CANDIDATES + i);
        // The payer has a candidate of its own too.
        payer = ownerOf(FIRST + CANDIDATES);
        fund(payer, 100e18, address(settlement));
        address challenger = ownerOf(bound(challengerIs, FIRST, FIRST + CANDIDATES - 1));
        fund(challenger, 200e18, address(committee));
        bytes32 id = openSession(salt, 1);
        vm.warp(settlement.endsAtOf(id));
        vm.prank(challenger);
        committee.openCase(id, accused, "");
        vm.roll(block.number + 5);
        committee.draw(id, accused);
        address[] memory members = committee.caseOf(id, accused).members;
        assertEq(members.length, 5, "five seats");
        for (uint256 i = 0; i < 5; i++) {
            assertTrue(members[i] != challenger && members[i] != ownerOf(1) && members[i] != payer && members[i] != address(0), "a party");
            for (uint256 k = 0; k < i; k++) assertTrue(members[i] != members[k], "twice");
        }
    }

    function test_who_comes_after_the_case_is_not_drawn_and_the_list_stands_still() external {
        _open();
        for (uint256 i = 0; i < 40; i++) _addCandidate(FIRST + CANDIDATES + i);
        bytes32 last = nodeOf(FIRST);
        vm.expectRevert(abi.encodeWithSelector(Committee.DrawIsDue.selector, 1));
        vm.prank(ownerOf(FIRST));
        committee.delist(last);
        vm.roll(block.number + 5);
        committee.draw(sessionId, accused);
        address[] memory members = committee.caseOf(sessionId, accused).members;
        for (uint256 i = 0; i < members.length; i++) assertTrue(uint160(members[i]) < uint160(ownerOf(FIRST + CANDIDATES)), "was there before");
        vm.prank(ownerOf(FIRST));
        committee.delist(last);
        assertEq(committee.candidateCount(), CANDIDATES + 39, "gone");
    }

    function test_nodes_that_are_not_active_any_more_are_not_drawn_and_anybody_takes_them_out() external {
        _open();
        for (uint256 i = 0; i < 3; i++) {
            vm.prank(ownerOf(FIRST + i));
            stakes.unstake(nodeOf(FIRST + i));
        }
        vm.roll(block.number + 5);
        committee.draw(sessionId, accused);
        assertEq(committee.caseOf(sessionId, accused).members.length, 4, "those that are left");
        committee.delist(nodeOf(FIRST));
        bytes32 active = nodeOf(FIRST + 3);
        vm.expectRevert(abi.encodeWithSelector(Committee.StillActive.selector, active));
        committee.delist(active);
        bytes32 gone = nodeOf(FIRST);
        vm.expectRevert(abi.encodeWithSelector(Committee.NotCandidate.selector, gone));
        committee.delist(gone);
    }

    function test_candidates_are_active_nodes_of_the_caller() external {
        bytes32 node = nodeOf(FIRST);
        vm.expectRevert(abi.encodeWithSelector(Committee.NotOwnerOfNode.selector, node, address(this)));
        committee.enlist(node);
        vm.startPrank(ownerOf(FIRST));
        vm.expectRevert(abi.encodeWithSelector(Committee.AlreadyCandidate.selector, node));
        committee.enlist(node);
        committee.delist(node);
        stakes.unstake(node);
        vm.expectRevert(abi.encodeWithSelector(Committee.NodeNotActive.selector, node));
        committee.enlist(node);
        vm.stopPrank();
    }

    function test_cases_are_opened_in_time_once_and_about_nodes_of_the_session() external {
        vm.startPrank(CHALLENGER);
        bytes32 other = nodeOf(FIRST);
        vm.expectRevert(abi.encodeWithSelector(Committee.UnknownNode.selector, sessionId, other));
        committee.openCase(sessionId, other, "");
        uint256 endsAt = settlement.endsAtOf(sessionId);
        vm.warp(endsAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, endsAt));
        committee.openCase(sessionId, accused, "");
        vm.warp(endsAt);
        vm.expectRevert(abi.encodeWithSelector(Committee.EvidenceTooLong.selector, 1025, 1024));
        committee.openCase(sessionId, accused, new bytes(1025));
        committee.openCase(sessionId, accused, "");
        vm.expectRevert(abi.encodeWithSelector(Committee.CaseExists.selector, sessionId, accused));
        committee.openCase(sessionId, accused, "");
        committee.addEvidence(sessionId, accused, "more");
        vm.expectRevert(abi.encodeWithSelector(Committee.EvidenceTooLong.selector, 1025, 1024));
        committee.addEvidence(sessionId, accused, new bytes(1025));
        vm.warp(committee.caseOf(sessionId, accused).deadline);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooLate.selector, block.timestamp));
        committee.addEvidence(sessionId, accused, "late");
        committee.conclude(sessionId, accused);
        vm.warp(endsAt);
        vm.expectRevert(abi.encodeWithSelector(Committee.CaseExists.selector, sessionId, accused));
        committee.openCase(sessionId, accused, "");
        vm.stopPrank();
        bytes32 second = openSession("second", 1);
        uint256 finalAt = settlement.finalAtOf(second);
        vm.warp(finalAt);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooLate.selector, finalAt));
        committee.openCase(second, accused, "");
    }

    function test_without_five_candidates_there_are_no_cases() external {
        for (uint256 i = 0; i < 3; i++) {
            vm.prank(ownerOf(FIRST + i));
            committee.delist(nodeOf(FIRST + i));
        }
        vm.warp(settlement.endsAtOf(sessionId));
        vm.expectRevert(abi.encodeWithSelector(Committee.TooFewCandidates.selector, 4, 5));
        committee.openCase(sessionId, accused, "");
    }

    function test_votes_are_hidden_the_members_own_and_opened_once_in_time() external {
        _open();
        vm.expectRevert(Committee.NotDrawn.selector);
        committee.commit(sessionId, accused, "x");
        vm.roll(block.number + 5);
        committee.draw(sessionId, accused);
        address[] memory members = committee.caseOf(sessionId, accused).members;
        uint256 deadline = committee.caseOf(sessionId, accused).deadline;
        bytes32 caseId = committee.caseIdOf(sessionId, accused);
        bytes32 vote = committee.commitmentOf(caseId, members[0], true, "salt");
        vm.expectRevert(abi.encodeWithSelector(Committee.NotMember.selector, address(this)));
        committee.commit(sessionId, accused, vote);
        vm.prank(members[0]);
        committee.commit(sessionId, accused, vote);
        vm.prank(members[1]);
        committee.commit(sessionId, accused, vote);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, deadline));
        vm.prank(members[0]);
        committee.open(sessionId, accused, true, "salt");
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooLate.selector, deadline));
        vm.prank(members[2]);
        committee.commit(sessionId, accused, vote);
        vm.expectRevert(abi.encodeWithSelector(Committee.BadCommitment.selector, members[1]));
        vm.prank(members[1]);
        committee.open(sessionId, accused, true, "salt");
        vm.expectRevert(abi.encodeWithSelector(Committee.BadCommitment.selector, members[2]));
        vm.prank(members[2]);
        committee.open(sessionId, accused, true, "salt");
        vm.startPrank(members[0]);
        vm.expectRevert(abi.encodeWithSelector(Committee.BadCommitment.selector, members[0]));
        committee.open(sessionId, accused, false, "salt");
        committee.open(sessionId, accused, true, "salt");
        vm.expectRevert(abi.encodeWithSelector(Committee.AlreadyOpened.selector, members[0]));
        committee.open(sessionId, accused, true, "salt");
        vm.warp(deadline + 1 days);
        vm.expectRevert(abi.encodeWithSelector(Committee.TooLate.selector, deadline + 1 days));
        committee.open(sessionId, accused, true, "salt");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(Committee.NothingOwed.selector, address(this)));
        committee.withdraw();
    }

    /// @dev Stake cannot be gone before a case about the session ends: see the settlement's times.
    function test_a_node_that_unstakes_at_once_is_still_cut() external {
        _openAndDraw();
        vm.prank(ownerOf(1));
        stakes.unstake(accused);
        _vote(5, 0);
        committee.conclude(sessionId, accused);
        assertEq(stakes.heldOf(accused), 8_000e18, "cut while unbonding");
        assertTrue(settlement.MAX_DURATION() + settlement.CHALLENGE_WINDOW() + committee.DRAW_PERIOD() + committee.VOTE_PERIOD() + committee.REVEAL_PERIOD() < stakes.UNBONDING_PERIOD(), "no case outlasts unbonding");
        assertTrue(settlement.REWARD_WINDOW() > committee.DRAW_PERIOD() + committee.VOTE_PERIOD() + committee.REVEAL_PERIOD(), "nor the time for rewards");
    }

    /// @dev Whoever concludes gives the slash too little gas, or just enough: the ruling stands, and the cut comes with it or can be brought later.
    function testFuzz_no_ruling_is_lost_for_want_of_gas(uint256 gasLimit) external {
        _openAndDraw();
        _vote(5, 0);
        try committee.conclude{gas: bound(gasLimit, 60_000, 400_000)}(sessionId, accused) {} catch {
            committee.conclude(sessionId, accused);
        }
        if (stakes.stakedOf(accused) == 10_000e18) stakes.slash(accused, abi.encode(3, abi.encode(sessionId)));
        assertEq(stakes.stakedOf(accused), 8_000e18, "a fifth, once");
        _withdrawAll();
    }

    /// @dev Whatever is voted, the bond is divided whole.
    function testFuzz_the_bond_is_divided_whole(uint256 wrong, uint256 right) external {
        _openAndDraw();
        wrong = bound(wrong, 0, 5);
        _vote(wrong, bound(right, 0, 5 - wrong));
        vm.warp(uint256(committee.caseOf(sessionId, accused).deadline) + 1 days);
        committee.conclude(sessionId, accused);
        _withdrawAll();
    }

    function _open() private {
        vm.warp(settlement.endsAtOf(sessionId));
        vm.prank(CHALLENGER);
        committee.openCase(sessionId, accused, "evidence");
    }

    function _openAndDraw() private {
        _open();
        vm.expectRevert(abi.encodeWithSelector(Committee.TooEarly.selector, block.number + 5));
        committee.draw(sessionId, accused);
        vm.roll(block.number + 5);
        committee.draw(sessionId, accused);
    }

    function _addCandidate(uint256 secret) private {
        addNode(secret, 1_000e18);
        _addCandidateToo(secret);
    }

    function _addCandidateToo(uint256 secret) private {
        vm.prank(ownerOf(secret));
        committee.enlist(nodeOf(secret));
    }

    function _vote(uint256 wrong, uint256 right) private {
        address[] memory members = committee.caseOf(sessionId, accused).members;
        bytes32 caseId = committee.caseIdOf(sessionId, accused);
        for (uint256 i = 0; i < wrong + right; i++) {
            bytes32 commitment = committee.commitmentOf(caseId, members[i], i < wrong, bytes32(i));
            vm.prank(members[i]);
            committee.commit(sessionId, accused, commitment);
        }
        vm.warp(committee.caseOf(sessionId, accused).deadline);
        for (uint256 i = 0; i < wrong + right; i++) {
            vm.prank(members[i]);
            committee.open(sessionId, accused, i < wrong, bytes32(i));
        }
    }

    function _withdrawAll() private {
        address[] memory members = committee.caseOf(sessionId, accused).members;
        for (uint256 i = 0; i < members.length; i++) _withdraw(members[i]);
        _withdraw(CHALLENGER);
        _withdraw(ownerOf(1));
        assertEq(token.balanceOf(address(committee)), 0, "nothing stays");
    }

    function _withdraw(address account) private {
        uint256 owed = committee.owed(account);
        if (owed == 0) return;
        uint256 before = token.balanceOf(account);
        vm.prank(account);
        committee.withdraw();
        assertEq(token.balanceOf(account) - before, owed, "what was owed");
    }
}
