// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bill} from "../src/lib/Bills.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {SumGround} from "./support/SumGround.sol";

contract RewardDistributorTest is SumGround {
    bytes32 private sessionId;
    bytes32[3] private nodes;

    function setUp() external {
        setUpSum();
        nodes = [addNode(1, 10_000e18), addNode(2, 20_000e18), addNode(3, 5_000e18)];
        sessionId = openSession("session", 3);
    }

    /// @dev A paid session over three staked nodes: rewards in proportion to layers x tokens, at full quality.
    function test_three_nodes_are_rewarded_by_work_quality_and_stake() external {
        _claim(1, 4, 100, 4e18);
        _claim(2, 8, 100, 8e18);
        _claim(3, 8, 100, 8e18);
        vm.prank(payer);
        distributor.submitFeedback(sessionId, 1e18);
        _toDistribution();
        // Fee: a twentieth of 20 SUM; block reward: nine tenths of it.
        assertEq(distributor.computeReward(sessionId, nodes[0]), 0.18e18, "a fifth");
        distributor.distribute(sessionId, 2);
        distributor.distribute(sessionId, 2);
        assertEq(distributor.allocationOf(sessionId, nodes[1]), 0.36e18, "two fifths, and more stake than 10,000 weighs no more");
        assertEq(distributor.allocationOf(sessionId, nodes[2]), 0.18e18, "two fifths with half a stake");
        assertEq(token.emitted(), 0.72e18, "minted");
        assertEq(distributor.reserved(), 0, "nothing is reserved any more");
        uint256 before = token.balanceOf(ownerOf(2));
        stakes.reward(nodes[1], 0.36e18, abi.encode(sessionId));
        vm.prank(ownerOf(2));
        stakes.claim(nodes[1]);
        assertEq(token.balanceOf(ownerOf(2)) - before, 0.36e18, "pulled");
        assertEq(token.balanceOf(address(distributor)), 0.36e18, "the others'");
    }

    function test_silence_is_half_the_quality() external {
        _claim(1, 10, 100, 10e18);
        _toDistribution();
        distributor.distribute(sessionId, 32);
        assertEq(distributor.allocationOf(sessionId, nodes[0]), 0.225e18, "half of 0.45");
    }

    function test_an_allocation_is_released_once_whole_and_to_the_stakes() external {
        _claim(1, 10, 100, 10e18);
        _toDistribution();
        bytes memory proof = abi.encode(sessionId);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotAllocated.selector, sessionId, nodes[0], 0.225e18, 0));
        stakes.reward(nodes[0], 0.225e18, proof);
        distributor.distribute(sessionId, 32);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotStakes.selector, address(this)));
        distributor.release(nodes[0], 0.225e18, proof);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotAllocated.selector, sessionId, nodes[0], 0.2e18, 0.225e18));
        stakes.reward(nodes[0], 0.2e18, proof);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotAllocated.selector, sessionId, nodes[1], 0, 0));
        stakes.reward(nodes[1], 0, proof);
        stakes.reward(nodes[0], 0.225e18, proof);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotAllocated.selector, sessionId, nodes[0], 0.225e18, 0));
        stakes.reward(nodes[0], 0.225e18, proof);
    }

    function test_distribution_waits_and_ends() external {
        uint256 from = settlement.finalAtOf(sessionId) + 4 days;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.TooEarly.selector, from));
        distributor.distribute(sessionId, 32);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.UnknownSession.selector, bytes32("none")));
        distributor.distribute("none", 32);
        vm.warp(from);
        vm.expectRevert(RewardDistributor.NothingToDo.selector);
        distributor.distribute(sessionId, 0);
        distributor.distribute(sessionId, 32);
        assertEq(token.emitted(), 0, "no work, no reward");
        vm.expectRevert(RewardDistributor.NothingToDo.selector);
        distributor.distribute(sessionId, 32);
        assertEq(distributor.DISTRIBUTION_DELAY(), settlement.REWARD_WINDOW(), "shares are known");
        assertTrue(distributor.FEEDBACK_PERIOD() <= distributor.DISTRIBUTION_DELAY(), "so is the score");
    }

    function test_the_payer_alone_scores_once_in_time_and_in_range() external {
        uint256 from = settlement.finalAtOf(sessionId);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotPayer.selector, sessionId, address(this)));
        distributor.submitFeedback(sessionId, 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotPayer.selector, bytes32("none"), address(this)));
        distributor.submitFeedback("none", 1);
        bytes memory closed = abi.encodeWithSelector(RewardDistributor.FeedbackClosed.selector, from, from + 3 days);
        vm.startPrank(payer);
        vm.expectRevert(closed);
        distributor.submitFeedback(sessionId, 1);
        vm.warp(from + 3 days);
        vm.expectRevert(closed);
        distributor.submitFeedback(sessionId, 1);
        vm.warp(from);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ScoreTooHigh.selector, 1e18 + 1, 1e18));
        distributor.submitFeedback(sessionId, 1e18 + 1);
        distributor.submitFeedback(sessionId, 0);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.FeedbackGiven.selector, sessionId));
        distributor.submitFeedback(sessionId, 1);
        vm.stopPrank();
        assertEq(distributor.qualityOf(sessionId), 0, "said nothing good");
    }

    /// @dev The payer gives a node of its own a tiny pay and an enormous work: it gains nothing by it.
    function test_overstated_work_earns_no_more_than_its_own_fee() external {
        _claim(1, 10, type(uint64).max, 1e18);
        _claim(2, 10, 100, 90e18);
        vm.prank(payer);
        distributor.submitFeedback(sessionId, 1e18);
        _toDistribution();
        distributor.distribute(sessionId, 32);
        assertEq(distributor.allocationOf(sessionId, nodes[0]), 0.045e18, "nine tenths of the fee of its own pay");
    }

    /// @dev The same work and stake as one node or as two: two get no more.
    function testFuzz_a_node_split_in_two_earns_no_more(uint256 stake, uint64 tokens) external {
        stake = bound(stake, 2_000e18, 40_000e18) & ~uint256(1);
        tokens = uint64(bound(tokens, 2, 1e6)) & ~uint64(1);
        addNode(4, stake);
        addNode(5, stake / 2);
        addNode(6, stake / 2);
        sessionId = openSession("split", 6);
        _claim(4, 10, tokens, 80e18);
        _claim(5, 10, tokens / 2, 40e18);
        _claim(6, 10, tokens / 2, 40e18);
        uint256 parts = distributor.computeReward(sessionId, nodeOf(5)) + distributor.computeReward(sessionId, nodeOf(6));
        assertTrue(parts <= distributor.computeReward(sessionId, nodeOf(4)), "more as two");
    }

    /// @dev Two sessions share what may be emitted; the first that is fixed keeps what it was promised.
    function test_what_a_session_was_promised_is_reserved() external {
        _claim(1, 10, 100, 100e18);
        _claim(2, 10, 100, 100e18);
        bytes32 first = sessionId;
        sessionId = openSession("second", 3);
        _claim(1, 10, 100, 100e18);
        vm.prank(payer);
        distributor.submitFeedback(sessionId, 1e18);
        _toDistribution();
        _leaveToEmit(10e18);
        distributor.distribute(first, 1);
        assertEq(distributor.allocationOf(first, nodes[0]), 2.25e18, "half of a half of nine");
        assertEq(distributor.reserved(), 6.75e18, "the rest of nine");
        distributor.distribute(sessionId, 32);
        assertEq(distributor.allocationOf(sessionId, nodes[0]), 1e18, "what was left of ten");
        distributor.distribute(first, 32);
        assertEq(distributor.allocationOf(first, nodes[1]), 2.25e18, "as promised");
        assertEq(distributor.reserved(), 0, "all is free again");
    }

    function testFuzz_no_session_gets_more_than_it_burned(uint64[3] memory tokens, uint256[3] memory amounts, uint256 score, uint256 batch) external {
        uint256 supply = token.totalSupply();
        uint256 fees;
        for (uint256 i = 0; i < 3; i++) {
            amounts[i] = bound(amounts[i], 0, 100e18);
            _claim(i + 1, uint32(1 + i), tokens[i], amounts[i]);
            fees += amounts[i] / 20;
        }
        assertEq(supply - token.totalSupply(), fees, "burned");
        vm.prank(payer);
        distributor.submitFeedback(sessionId, bound(score, 0, 1e18));
        _toDistribution();
        batch = bound(batch, 1, 3);
        for (uint256 done = 0; done < 3; done += batch) distributor.distribute(sessionId, batch);
        assertTrue(token.emitted() * 10 <= fees * 9, "at most nine tenths");
        assertEq(distributor.reserved(), 0, "reserved");
        for (uint256 i = 0; i < 3; i++) {
            uint256 due = distributor.allocationOf(sessionId, nodes[i]);
            assertTrue(due * 10 <= (amounts[i] / 20) * 9, "nor a node more than its own fee");
            if (due > 0) stakes.reward(nodes[i], due, abi.encode(sessionId));
        }
        assertEq(token.balanceOf(address(distributor)), 0, "all was due to somebody");
    }

    function _claim(uint256 secret, uint32 layers, uint64 tokens, uint256 amount) private {
        Bill memory bill = billOf(secret, sessionId);
        (bill.lastLayer, bill.tokens, bill.amount) = (layers - 1, tokens, amount);
        uint256 opened = settlement.finalAtOf(sessionId) - 1 hours;
        vm.warp(opened);
        postOne(bill);
        toFinality(sessionId);
        claimOne(secret, bill);
    }

    /// @dev Another minter would have to use the schedule up: the distributor itself asks for all but `amount`.
    function _leaveToEmit(uint256 amount) private {
        uint256 allowed = token.emissionAllowed();
        vm.prank(address(distributor));
        token.emitTo(address(0xdead), allowed - amount);
    }

    function _toDistribution() private {
        vm.warp(settlement.finalAtOf(sessionId) + 4 days);
    }
}
