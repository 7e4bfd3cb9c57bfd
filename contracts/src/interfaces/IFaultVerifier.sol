// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What tells whether a node did wrong
interface IFaultVerifier {
    /// @notice Checks the proof that `nodeId` did wrong; reverts where it proves nothing.
    /// @return faultId the same for every proof of the same deed, so that it is punished once
    /// @return slashBps how much of the stake it costs, in hundredths of a percent
    function verifyFault(bytes32 nodeId, bytes calldata proof) external returns (bytes32 faultId, uint256 slashBps);
}
