// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SumToken} from "../src/SumToken.sol";
import {StakingContract} from "../src/StakingContract.sol";
import {ScriptedRewards} from "./support/Doubles.sol";
import {StakeGround} from "./support/StakeGround.sol";
import {Test} from "./support/Test.sol";

/// @dev Does to the stakes whatever somebody may, in any order, and keeps books of its own.
contract StakeUser is Test {
    StakingContract private immutable STAKES;
    SumToken private immutable TOKEN;
    bytes32[] private nodes;
    address[] private owners;

    uint256 public putIn;
    uint256 public takenOut;
    uint256 public cut;
    uint256 public rewarded;
    uint256 public early;
    uint256 private faults;

    constructor(StakingContract stakes, SumToken token, bytes32[] memory nodes_, address[] memory owners_) {
        (STAKES, TOKEN, nodes, owners) = (stakes, token, nodes_, owners_);
    }

    function stake(uint256 who, uint256 amount) external {
        (bytes32 node, address owner) = _pick(who);
        amount = bound(amount, amount % 8 == 0 ? 1 : 4_000e18, 40_000e18);
        vm.prank(owner);
        STAKES.stake(node, amount);
        putIn += amount;
    }

    function unstake(uint256 who, uint256 amount) external {
        (bytes32 node, address owner) = _pick(who);
        amount = bound(amount, 1, STAKES.stakedOf(node) / 4 + 1);
        vm.prank(owner);
        STAKES.unstake(node, amount);
    }

    function unstakeAll(uint256 who) external {
        (bytes32 node, address owner) = _pick(who);
        vm.prank(owner);
        STAKES.unstake(node);
    }

    function cancel(uint256 who, uint256 index) external {
        (bytes32 node, address owner) = _pick(who);
        index = bound(index, 0, STAKES.unbondingsOf(node).length);
        vm.prank(owner);
        STAKES.cancelUnbonding(node, index);
    }

    /// @dev What is paid must be the sum of the entries whose time has come.
    function withdraw(uint256 who) external {
        (bytes32 node, address owner) = _pick(who);
        StakingContract.Unbonding[] memory queue = STAKES.unbondingsOf(node);
        uint256 due;
        for (uint256 i = 0; i < queue.length; i++) if (queue[i].releaseAt <= block.timestamp) due += queue[i].amount;
        uint256 before = TOKEN.balanceOf(owner);
        vm.prank(owner);
        STAKES.withdraw(node);
        uint256 got = TOKEN.balanceOf(owner) - before;
        if (got != due) early++;
        takenOut += got;
    }

    function slash(uint256 who, uint256 bps) external {
        (bytes32 node,) = _pick(who);
        uint256 held = STAKES.heldOf(node);
        STAKES.slash(node, abi.encode(bytes32(++faults), bound(bps, 0, bps % 4 == 0 ? 5_000 : 100)));
        cut += held - STAKES.heldOf(node);
    }

    function reward(uint256 who, uint256 amount) external {
        (bytes32 node,) = _pick(who);
        amount = bound(amount, 0, 10e18);
        STAKES.reward(node, amount, "");
        rewarded += amount;
    }

    function claim(uint256 who) external {
        (bytes32 node, address owner) = _pick(who);
        uint256 before = TOKEN.balanceOf(owner);
        vm.prank(owner);
        STAKES.claim(node);
        takenOut += TOKEN.balanceOf(owner) - before;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, 8 days));
    }

    function _pick(uint256 who) private view returns (bytes32, address) {
        uint256 index = who % nodes.length;
        return (nodes[index], owners[index]);
    }
}

contract StakingInvariants is StakeGround {
    StakeUser private user;
    bytes32[] private nodes;

    function setUp() external {
        setUpStakes();
        address[] memory owners = new address[](3);
        for (uint256 i = 0; i < 3; i++) {
            owners[i] = address(uint160(0x1000 + i));
            nodes.push(bindNode(i + 1, owners[i], 10_000_000e18));
        }
        user = new StakeUser(stakes, token, nodes, owners);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(user);
    }

    function invariant_what_the_nodes_hold_is_the_balance() external view {
        uint256 held;
        for (uint256 i = 0; i < nodes.length; i++) held += stakes.heldOf(nodes[i]);
        assertEq(token.balanceOf(address(stakes)), held, "balance");
    }

    function invariant_nothing_is_lost_or_made() external view {
        assertEq(token.balanceOf(address(stakes)) + user.takenOut() + user.cut(), user.putIn() + user.rewarded(), "in and out");
    }

    function invariant_nothing_leaves_before_its_time() external view {
        assertEq(user.early(), 0, "withdrawals other than what had matured");
        for (uint256 i = 0; i < nodes.length; i++) {
            StakingContract.Unbonding[] memory queue = stakes.unbondingsOf(nodes[i]);
            assertTrue(queue.length <= 16, "queue");
            for (uint256 k = 1; k < queue.length; k++) assertTrue(queue[k - 1].releaseAt <= queue[k].releaseAt, "order");
        }
    }

    function invariant_stake_is_enough_or_was_cut() external view {
        for (uint256 i = 0; i < nodes.length; i++) {
            uint256 staked = stakes.stakedOf(nodes[i]);
            assertTrue(staked == 0 || staked >= 1_000e18 || user.cut() > 0, "too small a stake");
        }
    }
}
