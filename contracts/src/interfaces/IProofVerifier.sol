// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What checks proofs of work that nodes did
interface IProofVerifier {
    /// @notice Whether `proof` shows `statement`. False where it does not; reverts where the proof is of an unknown kind or cannot be read.
    function verifyProof(bytes32 statement, bytes calldata proof) external view returns (bool);

    /// @notice Whether one proof shows all of the statements, which are one or more.
    function verifyAggregatedProof(bytes32[] calldata statements, bytes calldata proof) external view returns (bool);
}
