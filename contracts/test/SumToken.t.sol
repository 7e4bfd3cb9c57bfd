// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SumToken} from "../src/SumToken.sol";
import {Test} from "./support/Test.sol";

contract SumTokenTest is Test {
    address private constant DISTRIBUTOR = address(0xd);
    SumToken private token;

    function setUp() external {
        vm.warp(1_800_000_000);
        token = new SumToken(address(this), 600_000_000e18);
    }

    function test_only_the_distributor_mints_and_it_is_named_once_by_the_deployer() external {
        vm.expectRevert(SumToken.NotDistributor.selector);
        token.emitTo(address(this), 0);
        vm.expectRevert(SumToken.ZeroAddress.selector);
        token.nameDistributor(address(0));
        vm.prank(DISTRIBUTOR);
        vm.expectRevert(SumToken.NotDeployer.selector);
        token.nameDistributor(DISTRIBUTOR);
        token.nameDistributor(DISTRIBUTOR);
        vm.expectRevert(SumToken.DistributorAlreadyNamed.selector);
        token.nameDistributor(address(this));
        vm.expectRevert(SumToken.NotDistributor.selector);
        token.emitTo(address(this), 0);
    }

    function testFuzz_emission_keeps_to_schedule_and_cap(uint256[8] memory waits, uint256[8] memory asks) external {
        token.nameDistributor(DISTRIBUTOR);
        uint256 started = block.timestamp;
        for (uint256 i = 0; i < 8; i++) {
            vm.warp(block.timestamp + bound(waits[i], 0, 3 * 365 days));
            uint256 allowed = token.emissionAllowed();
            vm.startPrank(DISTRIBUTOR);
            vm.expectRevert(abi.encodeWithSelector(SumToken.EmissionExceeded.selector, allowed + 1, allowed));
            token.emitTo(DISTRIBUTOR, allowed + 1);
            token.emitTo(DISTRIBUTOR, bound(asks[i], 0, allowed));
            vm.stopPrank();
            assertTrue(token.emitted() <= (block.timestamp - started) * token.EMISSION_PER_SECOND(), "schedule");
            assertTrue(token.totalSupply() <= 1_000_000_000e18, "cap");
            assertEq(token.totalSupply(), 600_000_000e18 + token.emitted(), "nothing else mints");
        }
    }

    function test_permits_are_spent_once() external {
        uint256 key = 0xbeef;
        address owner = vm.addr(key);
        assertTrue(token.transfer(owner, 10e18), "funds");
        bytes32 permit = keccak256(abi.encode(keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"), owner, address(this), 4e18, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), permit)));
        token.permit(owner, address(this), 4e18, block.timestamp, v, r, s);
        assertTrue(token.transferFrom(owner, address(this), 4e18), "spent");
        vm.expectRevert();
        token.permit(owner, address(this), 4e18, block.timestamp, v, r, s);
    }
}
