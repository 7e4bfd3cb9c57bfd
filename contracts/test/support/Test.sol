// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @dev What every test of a contract starts from.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;

    error NotEqual(uint256 got, uint256 wanted, string what);
    error NotTrue(string what);

    function assertEq(uint256 got, uint256 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(got, wanted, what);
    }

    function assertEq(bytes32 got, bytes32 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(uint256(got), uint256(wanted), what);
    }

    function assertEq(address got, address wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(uint160(got), uint160(wanted), what);
    }

    function assertTrue(bool holds, string memory what) internal pure {
        if (!holds) revert NotTrue(what);
    }

    function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + (value % (most - least + 1));
    }
}
