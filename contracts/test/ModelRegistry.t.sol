// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Test} from "./support/Test.sol";

contract ModelRegistryTest is Test {
    bytes private constant CID = hex"0155122000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    ModelRegistry private models;

    function setUp() external {
        models = new ModelRegistry();
    }

    function test_what_is_published_can_be_read_and_stays() external {
        bytes32 id = models.publish(CID, 32, "hash");
        ModelRegistry.Model memory model = models.modelOf(id);
        assertEq(model.publisher, address(this), "publisher");
        assertEq(model.layers, 32, "layers");
        assertEq(model.publishedAt, block.timestamp, "when");
        assertEq(model.modelHash, "hash", "hash");
        assertEq(keccak256(model.manifestCid), keccak256(CID), "manifest");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.AlreadyPublished.selector, id));
        models.publish(CID, 32, "hash");
        vm.prank(address(1));
        assertTrue(models.publish(CID, 32, "hash") != id, "another publisher takes nothing away");
    }

    function test_nonsense_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadCid.selector, 0, 64));
        models.publish("", 32, "hash");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadCid.selector, 65, 64));
        models.publish(new bytes(65), 32, "hash");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadLayers.selector, 0, 4096));
        models.publish(CID, 0, "hash");
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.BadLayers.selector, 4097, 4096));
        models.publish(CID, 4097, "hash");
        vm.expectRevert(ModelRegistry.BadHash.selector);
        models.publish(CID, 32, 0);
        vm.expectRevert(abi.encodeWithSelector(ModelRegistry.UnknownModel.selector, bytes32("none")));
        models.modelOf("none");
    }

    function testFuzz_entries_are_listed_in_pages(uint256 entries, uint256 offset, uint256 count) external {
        entries = bound(entries, 0, 8);
        bytes32[] memory ids = new bytes32[](entries);
        for (uint32 i = 0; i < entries; i++) ids[i] = models.publish(CID, i + 1, "hash");
        (offset, count) = (bound(offset, 0, 10), bound(count, 0, 10));
        bytes32[] memory page = models.publishedBy(address(this), offset, count);
        uint256 left = offset < entries ? entries - offset : 0;
        assertEq(page.length, count < left ? count : left, "length");
        for (uint256 i = 0; i < page.length; i++) assertEq(page[i], ids[offset + i], "order");
        assertEq(models.publishedCount(address(this)), entries, "count");
    }
}
