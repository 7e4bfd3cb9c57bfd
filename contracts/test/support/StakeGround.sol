// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "../../src/NodeRegistry.sol";
import {StakingContract} from "../../src/StakingContract.sol";
import {SumToken} from "../../src/SumToken.sol";
import {ScriptedFaults, ScriptedRewards} from "./Doubles.sol";
import {Test} from "./Test.sol";

/// @dev A token, stakes, and bound nodes with real identities.
abstract contract StakeGround is Test {
    uint256 internal constant SUPPLY = 600_000_000e18;
    address internal constant ADMIN = address(0xad);
    SumToken internal token;
    StakingContract internal stakes;
    NodeRegistry internal registry;
    ScriptedRewards internal rewards;

    function setUpStakes() internal {
        vm.warp(1_800_000_000);
        token = new SumToken(address(this), SUPPLY);
        stakes = new StakingContract(token, ADMIN);
        registry = stakes.REGISTRY();
        rewards = new ScriptedRewards(token);
        ScriptedFaults faults = new ScriptedFaults();
        vm.prank(ADMIN);
        stakes.wire(faults, rewards);
        assertTrue(token.transfer(address(rewards), 1_000_000e18), "funding");
    }

    /// @dev A node whose identity signed for `owner`, and an owner with `funds` that the stakes may take.
    function bindNode(uint256 secret, address owner, uint256 funds) internal returns (bytes32 nodeId) {
        nodeId = vm.publicKeyEd25519(bytes32(secret));
        (bytes32 r, bytes32 s) = signBinding(secret, owner);
        vm.prank(owner);
        registry.bind(nodeId, r, s);
        assertTrue(token.transfer(owner, funds), "funds");
        vm.prank(owner);
        token.approve(address(stakes), type(uint256).max);
    }

    function signBinding(uint256 secret, address owner) internal view returns (bytes32 r, bytes32 s) {
        bytes memory message = registry.bindingMessage(vm.publicKeyEd25519(bytes32(secret)), owner);
        return abi.decode(vm.signEd25519("", message, bytes32(secret)), (bytes32, bytes32));
    }
}
