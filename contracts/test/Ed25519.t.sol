// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ed25519} from "../src/lib/Ed25519.sol";
import {Sha512} from "../src/lib/Sha512.sol";
import {Test} from "./support/Test.sol";

contract Ed25519Test is Test {
    /// @dev FIPS 180-4 examples: nothing, "abc", and a text of two blocks.
    function test_sha512_of_the_standards_examples() external pure {
        (bytes32 high, bytes32 low) = Sha512.hash("");
        assertEq(high, 0xcf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce, "high of nothing");
        assertEq(low, 0x47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e, "low of nothing");
        (high, low) = Sha512.hash("abc");
        assertEq(high, 0xddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a, "high of abc");
        assertEq(low, 0x2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f, "low of abc");
        (high, low) = Sha512.hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu");
        assertEq(high, 0x8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018, "high of two blocks");
        assertEq(low, 0x501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909, "low of two blocks");
    }

    /// @dev RFC 8032, 7.1, test 3.
    function test_the_rfcs_example() external view {
        bytes32 key = 0xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025;
        bytes32 r = 0x6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac;
        bytes32 s = 0x18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a;
        assertTrue(Ed25519.verify(key, r, s, hex"af82"), "the signature of the RFC");
        assertTrue(!Ed25519.verify(key, r, s, hex"af83"), "another message");
    }

    function testFuzz_signatures_hold_and_no_damaged_ones(bytes32 secret, bytes memory message, uint256 bit) external view {
        vm.assume(uint256(secret) != 0);
        bytes32 key = vm.publicKeyEd25519(secret);
        bytes memory signature = vm.signEd25519("", message, secret);
        (bytes32 r, bytes32 s) = (_word(signature, 32), _word(signature, 64));
        assertTrue(Ed25519.verify(key, r, s, message), "what was signed");
        bytes32 flip = bytes32(uint256(1) << (bit % 256));
        assertTrue(!Ed25519.verify(key, r ^ flip, s, message), "another R");
        assertTrue(!Ed25519.verify(key, r, s ^ flip, message), "another S");
        assertTrue(!Ed25519.verify(key ^ flip, r, s, message), "another key");
        assertTrue(!Ed25519.verify(key, r, s, abi.encodePacked(message, "x")), "a longer message");
    }

    /// @dev S + L is the same scalar: a second signature for the same message, which strict checks refuse.
    function test_no_second_form_of_a_signature() external view {
        bytes32 secret = bytes32(uint256(7));
        bytes memory signature = vm.signEd25519("", "m", secret);
        uint256 s = _reversed(uint256(_word(signature, 64)));
        bytes32 other = bytes32(_reversed(s + 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed));
        assertTrue(!Ed25519.verify(vm.publicKeyEd25519(secret), _word(signature, 32), other, "m"), "S above the order");
    }

    /// @dev A key of small order would sign everything: R = the neutral point, S = 0.
    function test_no_keys_of_small_order() external view {
        bytes32 neutral = bytes32(uint256(1) << 248);
        assertTrue(!Ed25519.verify(neutral, neutral, 0, "anything"), "the neutral point as key");
        assertTrue(!Ed25519.verify(0xecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f, neutral, 0, "anything"), "order 2");
        assertTrue(!Ed25519.verify(0, neutral, 0, "anything"), "order 4");
        assertTrue(!Ed25519.verify(0xedffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f, neutral, 0, "anything"), "y = p");
    }

    function _word(bytes memory from, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(from, offset))
        }
    }

    function _reversed(uint256 v) private pure returns (uint256 out) {
        for (uint256 i = 0; i < 32; i++) out |= ((v >> (8 * i)) & 0xff) << (8 * (31 - i));
    }
}
