// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IFaultVerifier} from "../src/interfaces/IFaultVerifier.sol";
import {StakingContract} from "../src/StakingContract.sol";
import {ScriptedFaults} from "./support/Doubles.sol";
import {StakeGround} from "./support/StakeGround.sol";

contract StakingContractTest is StakeGround {
    address private constant ANNA = address(0xa);
    address private constant BERT = address(0xb);
    address private constant REPORTER = address(0xc);
    uint256 private constant LEAST = 1_000e18;
    bytes32 private node;

    function setUp() external {
        setUpStakes();
        node = bindNode(1, ANNA, 100_000e18);
    }

    function test_stake_unstake_wait_withdraw() external {
        vm.startPrank(ANNA);
        stakes.stake(node, 5_000e18);
        assertTrue(stakes.isActive(node), "active");
        stakes.unstake(node, 2_000e18);
        assertEq(stakes.stakedOf(node), 3_000e18, "staked");
        uint256 releaseAt = block.timestamp + 7 days;
        vm.expectRevert(abi.encodeWithSelector(StakingContract.NothingMatured.selector, releaseAt));
        stakes.withdraw(node);
        vm.warp(releaseAt - 1);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.NothingMatured.selector, releaseAt));
        stakes.withdraw(node);
        vm.warp(releaseAt);
        stakes.withdraw(node);
        assertEq(token.balanceOf(ANNA), 97_000e18, "back");
        vm.expectRevert(abi.encodeWithSelector(StakingContract.NothingMatured.selector, 0));
        stakes.withdraw(node);
        stakes.unstake(node);
        assertTrue(!stakes.isActive(node), "not active while all unbonds");
        vm.stopPrank();
    }

    function test_unbonding_entries_keep_their_order_and_can_be_taken_back() external {
        vm.startPrank(ANNA);
        stakes.stake(node, 10_000e18);
        for (uint256 i = 1; i <= 3; i++) {
            stakes.unstake(node, i * 1_000e18);
            vm.warp(block.timestamp + 1 days);
        }
        stakes.cancelUnbonding(node, 1);
        assertEq(stakes.stakedOf(node), 6_000e18, "taken back");
        StakingContract.Unbonding[] memory queue = stakes.unbondingsOf(node);
        assertEq(queue.length, 2, "two left");
        assertEq(queue[0].amount, 1_000e18, "first");
        assertEq(queue[1].amount, 3_000e18, "third");
        vm.expectRevert(abi.encodeWithSelector(StakingContract.NoSuchUnbonding.selector, 2, 2));
        stakes.cancelUnbonding(node, 2);
        vm.warp(queue[0].releaseAt);
        stakes.withdraw(node);
        assertEq(token.balanceOf(ANNA), 91_000e18, "only the first had matured");
        vm.stopPrank();
    }

    function test_what_is_staked_is_enough_or_nothing() external {
        vm.startPrank(ANNA);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.StakeTooSmall.selector, LEAST - 1, LEAST));
        stakes.stake(node, LEAST - 1);
        vm.expectRevert(StakingContract.NothingToDo.selector);
        stakes.stake(node, 0);
        vm.expectRevert(StakingContract.NothingToDo.selector);
        stakes.unstake(node);
        stakes.stake(node, LEAST);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.StakeTooSmall.selector, LEAST - 1, LEAST));
        stakes.unstake(node, 1);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.NotEnoughStaked.selector, LEAST + 1, LEAST));
        stakes.unstake(node, LEAST + 1);
        stakes.stake(node, 100);
        stakes.unstake(node, 100);
        stakes.unstake(node);
        // A rest too small to work with does not come back as stake.
        vm.expectRevert(abi.encodeWithSelector(StakingContract.StakeTooSmall.selector, 100, LEAST));
        stakes.cancelUnbonding(node, 0);
        vm.stopPrank();
    }

    function test_the_queue_is_bounded() external {
        vm.startPrank(ANNA);
        stakes.stake(node, 50_000e18);
        for (uint256 i = 0; i < 16; i++) stakes.unstake(node, 1e18);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.TooManyUnbondings.selector, 16));
        stakes.unstake(node, 1e18);
        vm.warp(block.timestamp + 7 days);
        stakes.withdraw(node);
        stakes.unstake(node, 1e18);
        vm.stopPrank();
    }

    function test_only_the_nodes_account_moves_its_stake() external {
        vm.prank(ANNA);
        stakes.stake(node, LEAST);
        bytes memory refused = abi.encodeWithSelector(StakingContract.NotOwnerOfNode.selector, node, BERT);
        vm.startPrank(BERT);
        vm.expectRevert(refused);
        stakes.stake(node, LEAST);
        vm.expectRevert(refused);
        stakes.unstake(node);
        vm.expectRevert(refused);
        stakes.withdraw(node);
        vm.expectRevert(refused);
        stakes.cancelUnbonding(node, 0);
        vm.expectRevert(refused);
        stakes.claim(node);
        vm.stopPrank();
    }

    function test_a_fault_cuts_stake_and_unbonding_once_and_burns() external {
        vm.startPrank(ANNA);
        stakes.stake(node, 10_000e18);
        stakes.unstake(node, 4_000e18);
        vm.stopPrank();
        uint256 supply = token.totalSupply();
        bytes memory proof = abi.encode(bytes32("fault"), 1_000);
        vm.prank(REPORTER);
        stakes.slash(node, proof);
        assertEq(stakes.stakedOf(node), 5_400e18, "staked");
        assertEq(stakes.unbondingsOf(node)[0].amount, 3_600e18, "unbonding");
        assertEq(token.balanceOf(REPORTER), 50e18, "reporter");
        assertEq(token.totalSupply(), supply - 950e18, "burned");
        vm.expectRevert(abi.encodeWithSelector(StakingContract.AlreadyPunished.selector, bytes32("fault")));
        stakes.slash(node, proof);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.SlashTooLarge.selector, 5_001, 5_000));
        stakes.slash(node, abi.encode(bytes32("other"), 5_001));
        vm.expectRevert(ScriptedFaults.NoFault.selector);
        stakes.slash(node, "");
    }

    function test_rewards_are_what_came_and_are_claimed_once() external {
        stakes.reward(node, 7e18, "");
        assertEq(stakes.rewardsOf(node), 7e18, "credited");
        assertEq(stakes.heldOf(node), 7e18, "held");
        vm.startPrank(ANNA);
        stakes.claim(node);
        assertEq(token.balanceOf(ANNA), 100_007e18, "claimed");
        vm.expectRevert(StakingContract.NothingToDo.selector);
        stakes.claim(node);
        vm.stopPrank();
        rewards.setShortBy(1);
        vm.expectRevert(abi.encodeWithSelector(StakingContract.RewardNotReceived.selector, 7e18, 7e18 - 1));
        stakes.reward(node, 7e18, "");
    }

    function test_a_pause_stops_new_stakes_alone() external {
        vm.startPrank(ANNA);
        stakes.stake(node, 10_000e18);
        stakes.unstake(node, 1_000e18);
        vm.stopPrank();
        vm.prank(ADMIN);
        stakes.pause();
        vm.startPrank(ANNA);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        stakes.stake(node, LEAST);
        stakes.unstake(node, 1_000e18);
        stakes.cancelUnbonding(node, 1);
        stakes.unstake(node);
        vm.warp(block.timestamp + 7 days);
        stakes.withdraw(node);
        assertEq(token.balanceOf(ANNA), 100_000e18, "all back under a pause");
        stakes.reward(node, 1e18, "");
        stakes.claim(node);
        vm.stopPrank();
        stakes.slash(node, abi.encode(bytes32("fault"), 1_000));
        vm.prank(ADMIN);
        stakes.unpause();
        vm.prank(ANNA);
        stakes.stake(node, LEAST);
    }

    function test_the_admin_pauses_and_is_replaced_in_two_steps_and_no_more() external {
        vm.startPrank(BERT);
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, BERT);
        vm.expectRevert(refused);
        stakes.pause();
        vm.expectRevert(refused);
        stakes.unpause();
        vm.expectRevert(refused);
        stakes.wire(IFaultVerifier(BERT), rewards);
        vm.stopPrank();
        vm.startPrank(ADMIN);
        vm.expectRevert(StakingContract.AlreadyWired.selector);
        stakes.wire(IFaultVerifier(BERT), rewards);
        stakes.transferOwnership(BERT);
        assertEq(stakes.owner(), ADMIN, "not yet");
        vm.stopPrank();
        vm.prank(BERT);
        stakes.acceptOwnership();
        assertEq(stakes.owner(), BERT, "accepted");
    }

    function testFuzz_a_cut_is_bounded_and_leaves_the_rest(uint256 staked, uint256 unbonding, uint256 bps) external {
        staked = bound(staked, LEAST * 2, 100_000e18);
        unbonding = bound(unbonding, 1, staked - LEAST);
        bps = bound(bps, 0, 5_000);
        vm.startPrank(ANNA);
        stakes.stake(node, staked);
        stakes.unstake(node, unbonding);
        vm.stopPrank();
        stakes.slash(node, abi.encode(bytes32("fault"), bps));
        uint256 held = stakes.heldOf(node);
        assertTrue(staked - held <= (staked * bps) / 10_000, "no more than its share");
        assertTrue(staked - held + 2 > (staked * bps) / 10_000, "and no less but for rounding");
        assertEq(token.balanceOf(address(stakes)), held, "what is held is there");
    }
}
