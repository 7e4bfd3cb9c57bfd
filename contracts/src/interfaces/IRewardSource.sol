// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Where rewards come from
interface IRewardSource {
    /// @notice Sends `amount` of SUM to the caller for `nodeId`, once, where `proof` shows that it is due; reverts otherwise.
    function release(bytes32 nodeId, uint256 amount, bytes calldata proof) external;
}
