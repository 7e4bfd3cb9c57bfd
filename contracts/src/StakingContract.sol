// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IFaultVerifier} from "./interfaces/IFaultVerifier.sol";
import {IRewardSource} from "./interfaces/IRewardSource.sol";
import {IStakes} from "./interfaces/IStakes.sol";
import {NodeRegistry} from "./NodeRegistry.sol";

/// @title Stakes of nodes
/// @notice A node's account stakes SUM for it. Unstaking takes seven days, in which the stake can still be lost. Proven faults burn a
/// bounded part; rewards are credited and taken by the account.
/// @dev Invariant: `staked + unbonding + rewards` over all nodes is the contract's balance, less what somebody sent to it unasked.
/// Threats: a pause that traps stake (it stops new stakes alone; unstaking, withdrawing, cancelling, claiming and slashing go on); an
/// admin that takes stake (it can pause and be replaced, in two steps, nothing else; what may slash and what pays rewards is named once);
/// fleeing from a slash (unbonding stake is cut too); a queue too long to walk (at most 16 entries a node); one deed punished twice
/// (by its fault id). Reporters may be overtaken by who copies their proof out of the mempool: the fault is punished all the same.
/// Not upgradeable.
contract StakingContract is IStakes, Ownable2Step, Pausable, ReentrancyGuard {
    using SafeERC20 for ERC20Burnable;

    uint256 public constant UNBONDING_PERIOD = 7 days;
    uint256 public constant MAX_UNBONDINGS = 16;
    uint256 public constant MIN_STAKE = 1_000e18;
    /// @notice One fault never costs more than half.
    uint256 public constant MAX_SLASH_BPS = 5_000;
    /// @notice Of what is cut, a twentieth is the reporter's: too little to report oneself at a profit. The rest is burned.
    uint256 public constant REPORTER_BPS = 500;
    uint256 private constant BPS = 10_000;

    struct Unbonding {
        uint128 amount;
        uint64 releaseAt;
    }

    struct Position {
        uint256 staked;
        uint256 rewards;
        Unbonding[] queue;
    }

    ERC20Burnable public immutable TOKEN;
    NodeRegistry public immutable REGISTRY;

    /// @notice What proves faults; named once.
    IFaultVerifier public faults;
    /// @notice Where rewards come from; named once.
    IRewardSource public rewardSource;

    mapping(bytes32 nodeId => Position) private _positions;
    mapping(bytes32 faultId => bool) public isPunished;

    event Wired(address faults, address rewardSource);
    event Staked(bytes32 indexed nodeId, address indexed owner, uint256 amount);
    event UnbondingStarted(bytes32 indexed nodeId, uint256 amount, uint256 releaseAt);
    event UnbondingCancelled(bytes32 indexed nodeId, uint256 amount);
    event Withdrawn(bytes32 indexed nodeId, address indexed owner, uint256 amount);
    event Slashed(bytes32 indexed nodeId, bytes32 indexed faultId, address indexed reporter, uint256 cut, uint256 burned);
    event Rewarded(bytes32 indexed nodeId, uint256 amount);
    event RewardsClaimed(bytes32 indexed nodeId, address indexed owner, uint256 amount);

    error AlreadyWired();
    error NotOwnerOfNode(bytes32 nodeId, address account);
    error NothingToDo();
    error StakeTooSmall(uint256 staked, uint256 least);
    error NotEnoughStaked(uint256 asked, uint256 staked);
    error TooManyUnbondings(uint256 most);
    error NoSuchUnbonding(uint256 index, uint256 count);
    error NothingMatured(uint256 nextReleaseAt);
    error AlreadyPunished(bytes32 faultId);
    error SlashTooLarge(uint256 bps, uint256 most);
    error RewardNotReceived(uint256 expected, uint256 got);

    modifier onlyOwnerOf(bytes32 nodeId) {
        _checkOwner(nodeId);
        _;
    }

    constructor(ERC20Burnable token, address admin) Ownable(admin) {
        TOKEN = token;
        REGISTRY = new NodeRegistry(this);
    }

    /// @notice Names what proves faults and what pays rewards, once.
    function wire(IFaultVerifier faults_, IRewardSource rewardSource_) external onlyOwner {
        if (address(faults) != address(0)) revert AlreadyWired();
        faults = faults_;
        rewardSource = rewardSource_;
        emit Wired(address(faults_), address(rewardSource_));
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    /// @notice Stakes for a node of the caller; at least MIN_STAKE together with what is there.
    function stake(bytes32 nodeId, uint256 amount) external whenNotPaused onlyOwnerOf(nodeId) nonReentrant {
        if (amount == 0) revert NothingToDo();
        Position storage position = _positions[nodeId];
        uint256 staked = position.staked + amount;
        if (staked < MIN_STAKE) revert StakeTooSmall(staked, MIN_STAKE);
        position.staked = staked;
        emit Staked(nodeId, msg.sender, amount);
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice All of the node's stake begins to unbond.
    function unstake(bytes32 nodeId) external {
        unstake(nodeId, _positions[nodeId].staked);
    }

    /// @notice A part of it; what stays must be nothing or enough.
    function unstake(bytes32 nodeId, uint256 amount) public onlyOwnerOf(nodeId) {
        Position storage position = _positions[nodeId];
        if (amount == 0) revert NothingToDo();
        if (amount > position.staked) revert NotEnoughStaked(amount, position.staked);
        if (position.queue.length == MAX_UNBONDINGS) revert TooManyUnbondings(MAX_UNBONDINGS);
        uint256 left = position.staked - amount;
        if (left > 0 && left < MIN_STAKE) revert StakeTooSmall(left, MIN_STAKE);
        position.staked = left;
        uint256 releaseAt = block.timestamp + UNBONDING_PERIOD;
        // The supply of SUM is far below 2^128.
        // forge-lint: disable-next-line(unsafe-typecast)
        position.queue.push(Unbonding(uint128(amount), uint64(releaseAt)));
        emit UnbondingStarted(nodeId, amount, releaseAt);
    }

    /// @notice One entry of the queue is stake again, at once.
    function cancelUnbonding(bytes32 nodeId, uint256 index) external onlyOwnerOf(nodeId) {
        Position storage position = _positions[nodeId];
        uint256 count = position.queue.length;
        if (index >= count) revert NoSuchUnbonding(index, count);
        uint256 amount = position.queue[index].amount;
        uint256 staked = position.staked + amount;
        if (staked < MIN_STAKE) revert StakeTooSmall(staked, MIN_STAKE);
        _remove(position.queue, index, 1);
        position.staked = staked;
        emit UnbondingCancelled(nodeId, amount);
    }

    /// @notice All that has waited long enough goes to the node's account.
    function withdraw(bytes32 nodeId) external onlyOwnerOf(nodeId) nonReentrant {
        Unbonding[] storage queue = _positions[nodeId].queue;
        (uint256 amount, uint256 matured) = (0, 0);
        // Entries are in the order of their release: all wait equally long. Seconds that a block's maker could shift do not matter in a week.
        // forge-lint: disable-next-line(block-timestamp)
        for (; matured < queue.length && queue[matured].releaseAt <= block.timestamp; matured++) amount += queue[matured].amount;
        if (matured == 0) revert NothingMatured(queue.length == 0 ? 0 : queue[0].releaseAt);
        _remove(queue, 0, matured);
        emit Withdrawn(nodeId, msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @notice Cuts the node's stake, unbonding included, for a proven fault. Anybody may bring the proof.
    function slash(bytes32 nodeId, bytes calldata proofOfFault) external nonReentrant {
        (bytes32 faultId, uint256 bps) = faults.verifyFault(nodeId, proofOfFault);
        if (isPunished[faultId]) revert AlreadyPunished(faultId);
        if (bps > MAX_SLASH_BPS) revert SlashTooLarge(bps, MAX_SLASH_BPS);
        isPunished[faultId] = true;
        uint256 cut = _cut(_positions[nodeId], bps);
        uint256 toReporter = (cut * REPORTER_BPS) / BPS;
        emit Slashed(nodeId, faultId, msg.sender, cut, cut - toReporter);
        TOKEN.burn(cut - toReporter);
        TOKEN.safeTransfer(msg.sender, toReporter);
    }

    /// @notice Credits a reward that is due to the node; anybody may ask, the node's account takes it by `claim`.
    /// @param proof what the reward source asks for: see RewardDistributor.release
    function reward(bytes32 nodeId, uint256 amount, bytes calldata proof) external nonReentrant {
        uint256 before = TOKEN.balanceOf(address(this));
        rewardSource.release(nodeId, amount, proof);
        uint256 got = TOKEN.balanceOf(address(this)) - before;
        if (got != amount) revert RewardNotReceived(amount, got);
        _positions[nodeId].rewards += amount;
        emit Rewarded(nodeId, amount);
    }

    /// @notice The node's rewards go to its account.
    function claim(bytes32 nodeId) external onlyOwnerOf(nodeId) nonReentrant {
        Position storage position = _positions[nodeId];
        uint256 amount = position.rewards;
        if (amount == 0) revert NothingToDo();
        position.rewards = 0;
        emit RewardsClaimed(nodeId, msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    function stakedOf(bytes32 nodeId) external view returns (uint256) {
        return _positions[nodeId].staked;
    }

    function rewardsOf(bytes32 nodeId) external view returns (uint256) {
        return _positions[nodeId].rewards;
    }

    function unbondingsOf(bytes32 nodeId) external view returns (Unbonding[] memory) {
        return _positions[nodeId].queue;
    }

    function heldOf(bytes32 nodeId) external view returns (uint256) {
        Position storage position = _positions[nodeId];
        return position.staked + position.rewards + _unbonding(position.queue);
    }

    function isActive(bytes32 nodeId) external view returns (bool) {
        return _positions[nodeId].staked >= MIN_STAKE;
    }

    function _checkOwner(bytes32 nodeId) private view {
        if (REGISTRY.ownerOf(nodeId) != msg.sender) revert NotOwnerOfNode(nodeId, msg.sender);
    }

    /// @dev The same share of the stake and of each entry of the queue; what is rounded down stays with the node.
    function _cut(Position storage position, uint256 bps) private returns (uint256 cut) {
        cut = (position.staked * bps) / BPS;
        position.staked -= cut;
        for (uint256 i = 0; i < position.queue.length; i++) {
            uint256 part = (uint256(position.queue[i].amount) * bps) / BPS;
            // Less than the amount, which is a uint128.
            // forge-lint: disable-next-line(unsafe-typecast)
            position.queue[i].amount -= uint128(part);
            cut += part;
        }
    }

    function _unbonding(Unbonding[] storage queue) private view returns (uint256 sum) {
        for (uint256 i = 0; i < queue.length; i++) sum += queue[i].amount;
    }

    /// @dev Takes `count` entries out from `index` on; the others keep their order.
    function _remove(Unbonding[] storage queue, uint256 index, uint256 count) private {
        for (uint256 i = index; i + count < queue.length; i++) queue[i] = queue[i + count];
        for (uint256 i = 0; i < count; i++) queue.pop();
    }
}
