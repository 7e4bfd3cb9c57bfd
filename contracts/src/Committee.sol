// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {NodeRegistry} from "./NodeRegistry.sol";
import {StakingContract} from "./StakingContract.sol";

/// @title Committees that compute again what a node is said to have computed wrongly
/// @notice Whoever doubts a node's work in a paid session puts up a bond, after the session's end and before it is final. Five accounts with staked nodes are drawn,
/// compute the work again from the receipts that the node signed (anybody may point to evidence while votes are taken), and vote in secret,
/// then openly. Three for "wrong": the claim is refused and the node is slashed. Three for "right": the bond goes to the node. Otherwise the
/// case is closed and the bond goes back. Each seat that voted is paid from the bond, whatever it voted.
/// @dev One case for a node and session. Invariant: the bonds of open cases and what is owed are the contract's balance, less what somebody
/// sent to it unasked. No owner, no pause, not upgradeable.
/// Threats. Votes copied (committed with the account inside, opened later). A draw done again until it suits: candidates who come after the
/// case opened are not drawn, slots do not move while a draw is due, and who leaves only gives its seat to the next of the same order. The
/// parties of the case on the committee (the accounts of node, challenger and payer are skipped; other accounts of the same person are not
/// known to be so). A case opened by the node itself while there is nothing to judge, so that no other can follow (only after the session's
/// end, and then the question is the work, not who asked: anybody adds evidence). A case that never ends (each phase ends by time, and anybody may conclude).
/// Limits. A block's maker can drop a block whose hash draws a committee it does not like, at the price of the block. Where nobody draws before
/// the block's hash is forgotten (256 blocks; 8,191 on chains with EIP-2935), the draw is set anew. Seats are drawn by node, so that who stakes
/// for half of the candidates has half of the seats: a ruling is worth as much as the honest part of the stake.
contract Committee is ICommittee, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 public constant SEATS = 5;
    uint256 public constant MAJORITY = 3;
    uint256 public constant BOND = 200e18;
    /// @notice For each seat whose vote was opened.
    uint256 public constant SEAT_FEE = 2e18;
    /// @notice Blocks until the one whose hash draws.
    uint256 public constant DRAW_DELAY = 4;
    uint256 public constant DRAW_PERIOD = 1 days;
    uint256 public constant VOTE_PERIOD = 1 days;
    uint256 public constant REVEAL_PERIOD = 1 days;
    /// @notice Slots that a draw looks at before it gives up.
    uint256 public constant MAX_TRIES = 64;
    /// @dev What VerifierContract calls a ruling.
    uint256 private constant RULING = 3;

    struct Case {
        Standing standing;
        bool isDrawn;
        uint8 opened;
        uint8 wrong;
        uint64 drawBlock;
        uint64 deadline;
        uint64 candidates;
        address challenger;
        address accused;
        address[] members;
    }

    struct Ballot {
        bytes32 commitment;
        bool isSeat;
        bool isOpened;
    }

    IERC20 public immutable TOKEN;
    ISettlement public immutable SETTLEMENT;
    StakingContract public immutable STAKES;
    NodeRegistry public immutable REGISTRY;

    bytes32[] private _candidates;
    /// @dev One more than the index; 0: not a candidate.
    mapping(bytes32 nodeId => uint256) private _slotOf;
    /// @notice Cases whose committee is still to be drawn.
    uint256 public drawsDue;
    mapping(bytes32 caseId => Case) private _cases;
    mapping(bytes32 caseId => mapping(address account => Ballot)) private _ballots;
    /// @notice What an account can withdraw.
    mapping(address account => uint256) public owed;

    event Enlisted(bytes32 indexed nodeId);
    event Delisted(bytes32 indexed nodeId);
    event CaseOpened(bytes32 indexed sessionId, bytes32 indexed nodeId, address indexed challenger, bytes evidence, uint256 drawBlock);
    event EvidenceAdded(bytes32 indexed sessionId, bytes32 indexed nodeId, address indexed account, bytes evidence);
    event DrawPostponed(bytes32 indexed sessionId, bytes32 indexed nodeId, uint256 drawBlock);
    event CommitteeDrawn(bytes32 indexed sessionId, bytes32 indexed nodeId, address[] members, uint256 voteUntil);
    event VoteCommitted(bytes32 indexed sessionId, bytes32 indexed nodeId, address indexed member);
    event VoteOpened(bytes32 indexed sessionId, bytes32 indexed nodeId, address indexed member, bool isWrong);
    event CaseConcluded(bytes32 indexed sessionId, bytes32 indexed nodeId, Standing standing, uint256 opened, uint256 wrong);
    event OwedWithdrawn(address indexed account, uint256 amount);

    error NotOwnerOfNode(bytes32 nodeId, address account);
    error NodeNotActive(bytes32 nodeId);
    error AlreadyCandidate(bytes32 nodeId);
    error NotCandidate(bytes32 nodeId);
    error StillActive(bytes32 nodeId);
    error DrawIsDue(uint256 drawsDue);
    error UnknownNode(bytes32 sessionId, bytes32 nodeId);
    error TooLate(uint256 until);
    error TooEarly(uint256 from);
    error CaseExists(bytes32 sessionId, bytes32 nodeId);
    error CaseNotOpen(bytes32 sessionId, bytes32 nodeId);
    error TooFewCandidates(uint256 candidates, uint256 least);
    error EvidenceTooLong(uint256 sizeBytes, uint256 most);
    error AlreadyDrawn();
    error NotDrawn();
    error NotMember(address account);
    error BadCommitment(address account);
    error AlreadyOpened(address account);
    error NothingOwed(address account);

    constructor(IERC20 token, ISettlement settlement, StakingContract stakes) {
        TOKEN = token;
        SETTLEMENT = settlement;
        STAKES = stakes;
        REGISTRY = stakes.REGISTRY();
    }

    /// @notice The node's account offers to sit on committees; the node must be active, then and when it is drawn.
    function enlist(bytes32 nodeId) external {
        if (REGISTRY.ownerOf(nodeId) != msg.sender) revert NotOwnerOfNode(nodeId, msg.sender);
        if (!STAKES.isActive(nodeId)) revert NodeNotActive(nodeId);
        if (_slotOf[nodeId] != 0) revert AlreadyCandidate(nodeId);
        _candidates.push(nodeId);
        _slotOf[nodeId] = _candidates.length;
        emit Enlisted(nodeId);
    }

    /// @notice Takes a node from the list: its account at will, anybody where the node is not active any more. Not while a draw is due: a hash
    /// that is already known must not draw from a list that somebody changes.
    function delist(bytes32 nodeId) external {
        uint256 slot = _slotOf[nodeId];
        if (slot == 0) revert NotCandidate(nodeId);
        if (REGISTRY.ownerOf(nodeId) != msg.sender && STAKES.isActive(nodeId)) revert StillActive(nodeId);
        if (drawsDue > 0) revert DrawIsDue(drawsDue);
        bytes32 last = _candidates[_candidates.length - 1];
        _candidates[slot - 1] = last;
        _slotOf[last] = slot;
        _candidates.pop();
        delete _slotOf[nodeId];
        emit Delisted(nodeId);
    }

    /// @notice Doubts a node's work. The bond is taken from the caller.
    /// @param evidence where the receipts lie that the committee is to compute again, at most 1,024 bytes
    function openCase(bytes32 sessionId, bytes32 nodeId, bytes calldata evidence) external nonReentrant {
        _checkEvidence(evidence);
        if (!SETTLEMENT.isNodeOf(sessionId, nodeId)) revert UnknownNode(sessionId, nodeId);
        (uint256 endsAt, uint256 finalAt) = (SETTLEMENT.endsAtOf(sessionId), SETTLEMENT.finalAtOf(sessionId));
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < endsAt) revert TooEarly(endsAt);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= finalAt) revert TooLate(finalAt);
        Case storage c = _cases[caseIdOf(sessionId, nodeId)];
        if (c.standing != Standing.None) revert CaseExists(sessionId, nodeId);
        if (_candidates.length < SEATS) revert TooFewCandidates(_candidates.length, SEATS);
        c.standing = Standing.Open;
        c.challenger = msg.sender;
        c.accused = REGISTRY.ownerOf(nodeId);
        c.candidates = SafeCast.toUint64(_candidates.length);
        c.drawBlock = SafeCast.toUint64(block.number + DRAW_DELAY);
        c.deadline = SafeCast.toUint64(block.timestamp + DRAW_PERIOD);
        drawsDue++;
        emit CaseOpened(sessionId, nodeId, msg.sender, evidence, c.drawBlock);
        TOKEN.safeTransferFrom(msg.sender, address(this), BOND);
    }

    /// @notice Points the committee to more evidence; anybody may, until votes are opened.
    function addEvidence(bytes32 sessionId, bytes32 nodeId, bytes calldata evidence) external {
        _checkEvidence(evidence);
        Case storage c = _open(sessionId, nodeId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= c.deadline) revert TooLate(c.deadline);
        emit EvidenceAdded(sessionId, nodeId, msg.sender, evidence);
    }

    /// @notice Draws the committee by the hash of the block that was named when the case opened; anybody may.
    function draw(bytes32 sessionId, bytes32 nodeId) external {
        Case storage c = _open(sessionId, nodeId);
        if (c.isDrawn) revert AlreadyDrawn();
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= c.deadline) revert TooLate(c.deadline);
        if (block.number <= c.drawBlock) revert TooEarly(uint256(c.drawBlock) + 1);
        bytes32 hash = Blockhash.blockHash(c.drawBlock);
        if (hash == 0) {
            c.drawBlock = SafeCast.toUint64(block.number + DRAW_DELAY);
            emit DrawPostponed(sessionId, nodeId, c.drawBlock);
            return;
        }
        c.isDrawn = true;
        drawsDue--;
        c.deadline = SafeCast.toUint64(block.timestamp + VOTE_PERIOD);
        _seat(c, sessionId, nodeId, hash);
        emit CommitteeDrawn(sessionId, nodeId, c.members, c.deadline);
    }

    /// @notice A member's vote, hidden: `commitmentOf`. It may be replaced until votes are opened.
    function commit(bytes32 sessionId, bytes32 nodeId, bytes32 commitment) external {
        Case storage c = _drawn(sessionId, nodeId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= c.deadline) revert TooLate(c.deadline);
        Ballot storage ballot = _ballots[caseIdOf(sessionId, nodeId)][msg.sender];
        if (!ballot.isSeat) revert NotMember(msg.sender);
        ballot.commitment = commitment;
        emit VoteCommitted(sessionId, nodeId, msg.sender);
    }

    /// @notice A member opens its vote, in the day after the votes were taken.
    /// @param isWrong whether what the node signed differs from what it should have computed
    function open(bytes32 sessionId, bytes32 nodeId, bool isWrong, bytes32 salt) external {
        Case storage c = _drawn(sessionId, nodeId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < c.deadline) revert TooEarly(c.deadline);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= c.deadline + REVEAL_PERIOD) revert TooLate(c.deadline + REVEAL_PERIOD);
        bytes32 caseId = caseIdOf(sessionId, nodeId);
        Ballot storage ballot = _ballots[caseId][msg.sender];
        if (ballot.isOpened) revert AlreadyOpened(msg.sender);
        if (ballot.commitment == 0 || ballot.commitment != commitmentOf(caseId, msg.sender, isWrong, salt)) revert BadCommitment(msg.sender);
        ballot.isOpened = true;
        c.opened++;
        if (isWrong) c.wrong++;
        owed[msg.sender] += SEAT_FEE;
        emit VoteOpened(sessionId, nodeId, msg.sender, isWrong);
    }

    /// @notice Ends a case: when all votes are open or the time is over; anybody may. A node that is found wrong is slashed here, and the
    /// reporter's part goes to the challenger.
    function conclude(bytes32 sessionId, bytes32 nodeId) external nonReentrant {
        Case storage c = _open(sessionId, nodeId);
        uint256 end = c.isDrawn ? c.deadline + REVEAL_PERIOD : c.deadline;
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < end && c.opened < SEATS) revert TooEarly(end);
        if (!c.isDrawn) drawsDue--;
        Standing standing = c.wrong >= MAJORITY ? Standing.Upheld : c.opened - c.wrong >= MAJORITY ? Standing.Dismissed : Standing.Undecided;
        c.standing = standing;
        owed[standing == Standing.Dismissed ? c.accused : c.challenger] += BOND - SEAT_FEE * c.opened;
        emit CaseConcluded(sessionId, nodeId, standing, c.opened, c.wrong);
        if (standing == Standing.Upheld) _punish(c.challenger, sessionId, nodeId);
    }

    /// @notice Takes what is owed to the caller.
    function withdraw() external nonReentrant {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owed[msg.sender] = 0;
        emit OwedWithdrawn(msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    function standingOf(bytes32 sessionId, bytes32 nodeId) external view returns (Standing) {
        return _cases[caseIdOf(sessionId, nodeId)].standing;
    }

    function caseOf(bytes32 sessionId, bytes32 nodeId) external view returns (Case memory) {
        return _cases[caseIdOf(sessionId, nodeId)];
    }

    function candidateCount() external view returns (uint256) {
        return _candidates.length;
    }

    function caseIdOf(bytes32 sessionId, bytes32 nodeId) public pure returns (bytes32) {
        return keccak256(abi.encode(sessionId, nodeId));
    }

    /// @notice What a member commits to; it names the member, so that nobody else can use it.
    function commitmentOf(bytes32 caseId, address member, bool isWrong, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), caseId, member, isWrong, salt));
    }

    /// @dev Fills the seats from the candidates that were there when the case opened. Fewer than five may be found: then no three agree, or they do.
    function _seat(Case storage c, bytes32 sessionId, bytes32 nodeId, bytes32 hash) private {
        bytes32 caseId = caseIdOf(sessionId, nodeId);
        bytes32 seed = keccak256(abi.encode(hash, caseId));
        address payer = SETTLEMENT.payerOf(sessionId);
        for (uint256 i = 0; i < MAX_TRIES && c.members.length < SEATS; i++) {
            bytes32 candidate = _candidates[uint256(keccak256(abi.encode(seed, i))) % c.candidates];
            address account = REGISTRY.ownerOf(candidate);
            Ballot storage ballot = _ballots[caseId][account];
            if (account == payer || account == c.challenger || account == c.accused || ballot.isSeat || !STAKES.isActive(candidate)) continue;
            ballot.isSeat = true;
            c.members.push(account);
        }
    }

    /// @dev Where the slash fails, for what reason ever, the ruling stands and anybody may bring it to the stakes later.
    function _punish(address challenger, bytes32 sessionId, bytes32 nodeId) private {
        uint256 before = TOKEN.balanceOf(address(this));
        try STAKES.slash(nodeId, abi.encode(RULING, abi.encode(sessionId))) {
            owed[challenger] += TOKEN.balanceOf(address(this)) - before;
        } catch {} // solhint-disable-line no-empty-blocks
    }

    function _open(bytes32 sessionId, bytes32 nodeId) private view returns (Case storage c) {
        c = _cases[caseIdOf(sessionId, nodeId)];
        if (c.standing != Standing.Open) revert CaseNotOpen(sessionId, nodeId);
    }

    function _drawn(bytes32 sessionId, bytes32 nodeId) private view returns (Case storage c) {
        c = _open(sessionId, nodeId);
        if (!c.isDrawn) revert NotDrawn();
    }

    function _checkEvidence(bytes calldata evidence) private pure {
        if (evidence.length > 1024) revert EvidenceTooLong(evidence.length, 1024);
    }
}
