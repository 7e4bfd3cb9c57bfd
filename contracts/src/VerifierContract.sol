// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IFaultVerifier} from "./interfaces/IFaultVerifier.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Bill, Bills, NodeSignature} from "./lib/Bills.sol";

/// @title What is proven about nodes
/// @notice Faults: two bills of one node that contradict each other, or a committee's ruling. Proofs of work: a signed bill, or a bill that
/// a payer vouched for in a session that is final.
/// @dev Holds nothing, changes nothing, has no owner. Threats: a node framed by bills it never signed (signatures of its identity are
/// checked here, for this chain and this settlement); one deed punished twice by other proofs of it (a fault's id is made of what was
/// violated, not of the proof); an inner node of a tree taken for a bill (the statement is the bill's hash, the leaf is made of it here).
/// The receipts of a pipeline are no proof of contradiction: after a truncation an honest stage signs the same window with another output.
contract VerifierContract is IFaultVerifier, IProofVerifier {
    /// @dev What a fault proof begins with: abi.encode(kind, data).
    uint256 public constant CONTRADICTION = 1;
    uint256 public constant DOUBLE_CLAIM = 2;
    uint256 public constant RULING = 3;
    /// @dev What a proof of work begins with.
    uint256 public constant SIGNED_BILL = 1;
    uint256 public constant SETTLED = 2;

    /// @notice A forged account of one's own work: two signatures that no honest node makes.
    uint256 public constant FORGERY_BPS = 5_000;
    /// @notice A ruling is judgement, not arithmetic: less is at stake.
    uint256 public constant RULING_BPS = 2_000;

    ISettlement public immutable SETTLEMENT;
    ICommittee public immutable COMMITTEE;

    error UnknownKind(uint256 kind);
    error OtherNode(bytes32 asked, bytes32 inBill);
    error NotSigned(bytes32 billHash);
    error NoContradiction(bytes32 first, bytes32 second);
    error NoDoubleClaim(bytes32 workId, bytes32 otherWorkId);
    error NoRuling(bytes32 sessionId, bytes32 nodeId);
    error NoStatements();

    constructor(ISettlement settlement, ICommittee committee) {
        SETTLEMENT = settlement;
        COMMITTEE = committee;
    }

    /// @param proof abi.encode(kind, data); data of CONTRADICTION and DOUBLE_CLAIM: abi.encode(Bill, NodeSignature, Bill, NodeSignature), of
    /// RULING: abi.encode(sessionId)
    /// @inheritdoc IFaultVerifier
    function verifyFault(bytes32 nodeId, bytes calldata proof) external view returns (bytes32 faultId, uint256 slashBps) {
        (uint256 kind, bytes memory data) = abi.decode(proof, (uint256, bytes));
        if (kind == CONTRADICTION || kind == DOUBLE_CLAIM) return (_twoBills(kind, nodeId, data), FORGERY_BPS);
        if (kind != RULING) revert UnknownKind(kind);
        bytes32 sessionId = abi.decode(data, (bytes32));
        if (COMMITTEE.standingOf(sessionId, nodeId) != ICommittee.Standing.Upheld) revert NoRuling(sessionId, nodeId);
        return (keccak256(abi.encode(RULING, nodeId, sessionId)), RULING_BPS);
    }

    /// @param statement hash of a bill's message
    /// @param proof abi.encode(kind, data); data of SIGNED_BILL: abi.encode(Bill, NodeSignature), of SETTLED: abi.encode(sessionId, root, path)
    /// @inheritdoc IProofVerifier
    function verifyProof(bytes32 statement, bytes calldata proof) external view returns (bool) {
        (uint256 kind, bytes memory data) = abi.decode(proof, (uint256, bytes));
        if (kind == SIGNED_BILL) {
            (Bill memory bill, NodeSignature memory signature) = abi.decode(data, (Bill, NodeSignature));
            return _shows(statement, bill, signature);
        }
        if (kind != SETTLED) revert UnknownKind(kind);
        (bytes32 sessionId, bytes32 root, bytes32[] memory path) = abi.decode(data, (bytes32, bytes32, bytes32[]));
        return SETTLEMENT.isFinalRoot(sessionId, root) && MerkleProof.verify(path, root, Bills.leafOf(statement));
    }

    /// @param statements hashes of bills' messages; for SETTLED in the order of the tree's leaves that its flags ask for
    /// @param proof abi.encode(kind, data); data of SIGNED_BILL: abi.encode(Bill[], NodeSignature[]), of SETTLED: abi.encode(sessionId, root, path,
    /// flags), as OpenZeppelin's multiproofs
    /// @inheritdoc IProofVerifier
    function verifyAggregatedProof(bytes32[] calldata statements, bytes calldata proof) external view returns (bool) {
        if (statements.length == 0) revert NoStatements();
        (uint256 kind, bytes memory data) = abi.decode(proof, (uint256, bytes));
        if (kind == SIGNED_BILL) return _showAll(statements, data);
        if (kind != SETTLED) revert UnknownKind(kind);
        (bytes32 sessionId, bytes32 root, bytes32[] memory path, bool[] memory flags) = abi.decode(data, (bytes32, bytes32, bytes32[], bool[]));
        bytes32[] memory leaves = new bytes32[](statements.length);
        for (uint256 i = 0; i < leaves.length; i++) leaves[i] = Bills.leafOf(statements[i]);
        return SETTLEMENT.isFinalRoot(sessionId, root) && MerkleProof.multiProofVerify(path, flags, root, leaves);
    }

    /// @dev The same session or the same work, but not the same bill. Bills of one session never count as a double claim: they are a contradiction.
    function _twoBills(uint256 kind, bytes32 nodeId, bytes memory data) private view returns (bytes32) {
        (Bill memory first, NodeSignature memory firstSignature, Bill memory second, NodeSignature memory secondSignature) =
            abi.decode(data, (Bill, NodeSignature, Bill, NodeSignature));
        bytes32 firstHash = _signedBy(nodeId, first, firstSignature);
        bytes32 secondHash = _signedBy(nodeId, second, secondSignature);
        if (kind == CONTRADICTION) {
            if (first.sessionId != second.sessionId || firstHash == secondHash) revert NoContradiction(firstHash, secondHash);
            return keccak256(abi.encode(CONTRADICTION, nodeId, first.sessionId));
        }
        if (first.workId != second.workId || first.sessionId == second.sessionId) revert NoDoubleClaim(first.workId, second.workId);
        return keccak256(abi.encode(DOUBLE_CLAIM, nodeId, first.workId));
    }

    function _signedBy(bytes32 nodeId, Bill memory bill, NodeSignature memory signature) private view returns (bytes32 billHash) {
        if (bill.nodeId != nodeId) revert OtherNode(nodeId, bill.nodeId);
        billHash = Bills.hash(bill, address(SETTLEMENT));
        if (!Bills.isSigned(bill, address(SETTLEMENT), signature)) revert NotSigned(billHash);
    }

    function _shows(bytes32 statement, Bill memory bill, NodeSignature memory signature) private view returns (bool) {
        return Bills.hash(bill, address(SETTLEMENT)) == statement && Bills.isSigned(bill, address(SETTLEMENT), signature);
    }

    function _showAll(bytes32[] calldata statements, bytes memory data) private view returns (bool) {
        (Bill[] memory bills, NodeSignature[] memory signatures) = abi.decode(data, (Bill[], NodeSignature[]));
        if (bills.length != statements.length || signatures.length != statements.length) return false;
        for (uint256 i = 0; i < bills.length; i++) if (!_shows(statements[i], bills[i], signatures[i])) return false;
        return true;
    }
}
