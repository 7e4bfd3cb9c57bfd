// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";

/// @dev Follows contracts/deployment.json: "$x" is a value that is given, "@X" a contract that stands already.
abstract contract Deployment is Test {
    mapping(bytes32 name => uint256) private _values;

    error UnknownName(string name);
    error StepFailed(string step, uint256 index);

    function give(string memory name, uint256 value) internal {
        _values[keccak256(bytes(name))] = value + 1;
    }

    function deployed(string memory name) internal view returns (address) {
        return address(uint160(_valueOf(string.concat("@", name))));
    }

    function deployAll() internal {
        string memory json = vm.readFile("contracts/deployment.json");
        for (uint256 i = 0; vm.keyExistsJson(json, _at(i, "step")); i++) {
            bytes32 step = keccak256(bytes(vm.parseJsonString(json, _at(i, "step"))));
            if (step == keccak256("deploy")) _deploy(json, i);
            else if (step == keccak256("read")) _read(json, i);
            else _call(json, i);
        }
    }

    function _deploy(string memory json, uint256 i) private {
        string memory name = vm.parseJsonString(json, _at(i, "name"));
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), _args(json, i));
        address made;
        vm.prank(address(uint160(_valueOf(vm.parseJsonString(json, _at(i, "by"))))));
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        if (made == address(0)) revert StepFailed(name, i);
        give(string.concat("@", name), uint160(made));
    }

    function _read(string memory json, uint256 i) private {
        (bool done, bytes memory got) = _target(json, i).staticcall(_selector(json, i));
        if (!done) revert StepFailed("read", i);
        give(string.concat("@", vm.parseJsonString(json, _at(i, "name"))), abi.decode(got, (uint256)));
    }

    function _call(string memory json, uint256 i) private {
        bytes memory data = bytes.concat(_selector(json, i), _args(json, i));
        address target = _target(json, i);
        vm.prank(address(uint160(_valueOf(vm.parseJsonString(json, _at(i, "by"))))));
        (bool done,) = target.call(data);
        if (!done) revert StepFailed("call", i);
    }

    function _target(string memory json, uint256 i) private view returns (address) {
        return address(uint160(_valueOf(vm.parseJsonString(json, _at(i, "on")))));
    }

    function _selector(string memory json, uint256 i) private pure returns (bytes memory) {
        return abi.encodePacked(bytes4(keccak256(bytes(vm.parseJsonString(json, _at(i, "signature"))))));
    }

    /// @dev All arguments are words.
    function _args(string memory json, uint256 i) private view returns (bytes memory words) {
        string[] memory names = vm.parseJsonStringArray(json, _at(i, "args"));
        for (uint256 k = 0; k < names.length; k++) words = bytes.concat(words, bytes32(_valueOf(names[k])));
    }

    function _valueOf(string memory name) private view returns (uint256) {
        uint256 value = _values[keccak256(bytes(name))];
        if (value == 0) revert UnknownName(name);
        return value - 1;
    }

    function _at(uint256 i, string memory key) private pure returns (string memory) {
        return string.concat("$[", vm.toString(i), "].", key);
    }
}
