// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../../src/Committee.sol";
import {Bill, Bills} from "../../src/lib/Bills.sol";
import {ModelRegistry} from "../../src/ModelRegistry.sol";
import {NodeRegistry} from "../../src/NodeRegistry.sol";
import {RewardDistributor} from "../../src/RewardDistributor.sol";
import {Settlement} from "../../src/Settlement.sol";
import {StakingContract} from "../../src/StakingContract.sol";
import {SumToken} from "../../src/SumToken.sol";
import {VerifierContract} from "../../src/VerifierContract.sol";
import {BillGround} from "./BillGround.sol";
import {Deployment} from "./Deployment.sol";

/// @dev Everything as it is deployed, a payer with a key, nodes with real identities, stakes and accounts.
abstract contract SumGround is BillGround, Deployment {
    uint256 internal constant SUPPLY = 600_000_000e18;
    uint256 internal constant PAYER_KEY = 0xa11ce;
    address internal constant ADMIN = address(0xad);
    SumToken internal token;
    StakingContract internal stakes;
    NodeRegistry internal registry;
    Settlement internal settlement;
    Committee internal committee;
    VerifierContract internal verifier;
    RewardDistributor internal distributor;
    ModelRegistry internal models;
    address internal payer;

    function setUpSum() internal {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        give("$deployer", uint160(address(this)));
        give("$holder", uint160(address(this)));
        give("$supply", SUPPLY);
        give("$admin", uint160(ADMIN));
        deployAll();
        (token, stakes, registry) = (SumToken(deployed("SumToken")), StakingContract(deployed("StakingContract")), NodeRegistry(deployed("NodeRegistry")));
        (settlement, committee) = (Settlement(deployed("Settlement")), Committee(deployed("Committee")));
        (verifier, distributor, models) = (VerifierContract(deployed("VerifierContract")), RewardDistributor(deployed("RewardDistributor")), ModelRegistry(deployed("ModelRegistry")));
        payer = vm.addr(PAYER_KEY);
        fund(payer, 1_000_000e18, address(settlement));
    }

    function ownerOf(uint256 secret) internal pure returns (address) {
        return address(uint160(0x1000 + secret));
    }

    function fund(address account, uint256 amount, address spender) internal {
        assertTrue(token.transfer(account, amount), "funds");
        vm.prank(account);
        token.approve(spender, type(uint256).max);
    }

    /// @dev A node of `ownerOf(secret)`, bound and staked.
    function addNode(uint256 secret, uint256 stake) internal returns (bytes32 node) {
        node = nodeOf(secret);
        bytes memory message = registry.bindingMessage(node, ownerOf(secret));
        (bytes32 r, bytes32 s) = abi.decode(vm.signEd25519("", message, bytes32(secret)), (bytes32, bytes32));
        fund(ownerOf(secret), stake, address(stakes));
        vm.startPrank(ownerOf(secret));
        registry.bind(node, r, s);
        stakes.stake(node, stake);
        vm.stopPrank();
    }

    /// @dev A session of an hour with nodes 1 to `count`, a hundred SUM aside for each.
    function openSession(bytes32 salt, uint256 count) internal returns (bytes32) {
        (bytes32[] memory nodes, uint256[] memory caps) = (new bytes32[](count), new uint256[](count));
        for (uint256 i = 0; i < count; i++) (nodes[i], caps[i]) = (nodeOf(i + 1), 100e18);
        vm.prank(payer);
        return settlement.openSession(salt, 1 hours, nodes, caps);
    }

    function hashOf(Bill memory bill) internal view returns (bytes32) {
        return Bills.hash(bill, address(settlement));
    }

    function signVoucher(uint256 key, bytes32 sessionId, bytes32 root) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, settlement.voucherDigest(sessionId, root));
        return abi.encodePacked(r, s, v);
    }

    /// @dev Posts a voucher for one bill: the leaf is the root, its path is empty.
    function postOne(Bill memory bill) internal returns (bytes32 root) {
        root = Bills.leafOf(hashOf(bill));
        settlement.post(bill.sessionId, root, signVoucher(PAYER_KEY, bill.sessionId, root));
    }

    function claimOne(uint256 secret, Bill memory bill) internal {
        bytes32 root = Bills.leafOf(hashOf(bill));
        vm.prank(ownerOf(secret));
        settlement.claim(bill, root, new bytes32[](0));
    }

    function toFinality(bytes32 sessionId) internal {
        vm.warp(settlement.finalAtOf(sessionId));
    }
}
