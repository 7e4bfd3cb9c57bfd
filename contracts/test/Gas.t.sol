// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bill} from "../src/lib/Bills.sol";
import {SumGround} from "./support/SumGround.sol";

/// @dev What each step costs as a transaction of its own, compared with contracts/gas/sum.json: a session with three nodes.
/// forge-config: default.isolate = true
contract GasTest is SumGround {
    function setUp() external {
        setUpSum();
        for (uint256 i = 1; i <= 3; i++) addNode(i, 20_000e18);
        fund(ownerOf(1), 10_000e18, address(stakes));
    }

    function test_gas_of_stakes() external {
        bytes32 node = nodeOf(4);
        bytes memory signature = vm.signEd25519("", registry.bindingMessage(node, ownerOf(1)), bytes32(uint256(4)));
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        vm.startPrank(ownerOf(1));
        registry.bind(node, r, s);
        vm.snapshotGasLastCall("sum", "bind");
        stakes.stake(node, 10_000e18);
        vm.snapshotGasLastCall("sum", "stake");
        stakes.unstake(node, 5_000e18);
        vm.snapshotGasLastCall("sum", "unstake");
        vm.warp(block.timestamp + 7 days);
        stakes.withdraw(node);
        vm.snapshotGasLastCall("sum", "withdraw");
        vm.stopPrank();
    }

    function test_gas_of_a_slash() external {
        (Bill memory one, Bill memory two) = (billOf(1, "s"), billOf(1, "s"));
        two.amount = 11e18;
        stakes.slash(one.nodeId, abi.encode(1, abi.encode(one, signBill(1, one, address(settlement)), two, signBill(1, two, address(settlement)))));
        vm.snapshotGasLastCall("sum", "slash");
    }

    function test_gas_of_a_session() external {
        bytes32 sessionId = openSession("gas", 3);
        vm.snapshotGasLastCall("sum", "openSession");
        (Bill memory one, Bill memory two) = (billOf(1, sessionId), billOf(2, sessionId));
        (bytes32 root, bytes32[] memory path,) = pairUp(hashOf(one), hashOf(two));
        settlement.post(sessionId, root, signVoucher(PAYER_KEY, sessionId, root));
        vm.snapshotGasLastCall("sum", "settle");
        toFinality(sessionId);
        vm.prank(ownerOf(1));
        settlement.claim(one, root, path);
        vm.snapshotGasLastCall("sum", "claim");
        settlement.refund(sessionId);
        vm.snapshotGasLastCall("sum", "refund");
        vm.prank(payer);
        distributor.submitFeedback(sessionId, 1e18);
        vm.snapshotGasLastCall("sum", "submitFeedback");
        vm.warp(block.timestamp + 4 days);
        distributor.distribute(sessionId, 32);
        vm.snapshotGasLastCall("sum", "distribute");
        stakes.reward(one.nodeId, distributor.allocationOf(sessionId, one.nodeId), abi.encode(sessionId));
        vm.snapshotGasLastCall("sum", "reward");
    }
}
