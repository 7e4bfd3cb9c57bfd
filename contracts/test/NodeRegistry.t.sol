// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "../src/NodeRegistry.sol";
import {StakeGround} from "./support/StakeGround.sol";

contract NodeRegistryTest is StakeGround {
    address private constant ANNA = address(0xa);
    address private constant BERT = address(0xb);

    function setUp() external {
        setUpStakes();
    }

    function test_a_node_is_bound_to_the_account_that_its_identity_signed_for() external {
        bytes32 nodeId = bindNode(1, ANNA, 0);
        assertEq(registry.ownerOf(nodeId), ANNA, "owner");
        assertEq(registry.nonceOf(nodeId), 1, "nonce");
    }

    function test_nobody_else_binds_with_that_signature() external {
        bytes32 nodeId = vm.publicKeyEd25519(bytes32(uint256(1)));
        (bytes32 r, bytes32 s) = signBinding(1, ANNA);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.BadSignature.selector, nodeId));
        vm.prank(BERT);
        registry.bind(nodeId, r, s);
    }

    function test_a_bound_node_stays_with_its_account() external {
        bytes32 nodeId = bindNode(1, ANNA, 0);
        (bytes32 r, bytes32 s) = signBinding(1, BERT);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.AlreadyBound.selector, nodeId, ANNA));
        vm.prank(BERT);
        registry.bind(nodeId, r, s);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.NotOwner.selector, nodeId, BERT));
        vm.prank(BERT);
        registry.unbind(nodeId);
    }

    function test_it_is_let_go_without_stake_and_an_old_signature_binds_it_no_more() external {
        (bytes32 r, bytes32 s) = signBinding(1, ANNA);
        bytes32 nodeId = bindNode(1, ANNA, 5_000e18);
        vm.prank(ANNA);
        stakes.stake(nodeId, 1_000e18);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.StakeRemains.selector, nodeId, 1_000e18));
        vm.prank(ANNA);
        registry.unbind(nodeId);
        vm.prank(ANNA);
        stakes.unstake(nodeId);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.StakeRemains.selector, nodeId, 1_000e18));
        vm.prank(ANNA);
        registry.unbind(nodeId);
        vm.warp(block.timestamp + 7 days);
        vm.startPrank(ANNA);
        stakes.withdraw(nodeId);
        registry.unbind(nodeId);
        vm.expectRevert(abi.encodeWithSelector(NodeRegistry.BadSignature.selector, nodeId));
        registry.bind(nodeId, r, s);
        vm.stopPrank();
        assertEq(bindNode(1, BERT, 0), nodeId, "the same node, another account");
    }
}
