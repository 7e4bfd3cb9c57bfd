// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title SUM, the token of the network
/// @notice A fixed amount exists from the start. What is emitted later is minted by one contract, the distributor, never
/// faster than `EMISSION_PER_SECOND` since the start and never more than `EMISSION_CAP` in all.
/// @dev Not upgradeable, no owner, no pause: whoever holds SUM can move it. The distributor is named once by the deployer and
/// stays; until then nothing can be minted. Threat: a distributor with a fault. The bound per second and the cap hold here,
/// whatever it asks for.
contract SumToken is ERC20, ERC20Burnable, ERC20Permit {
    /// @notice Most that is ever emitted, in units of 1e-18 SUM.
    uint256 public constant EMISSION_CAP = 400_000_000e18;
    /// @notice A tenth of the cap in a year of 365 days; what was not minted may be minted later.
    uint256 public constant EMISSION_PER_SECOND = EMISSION_CAP / 10 / 365 days;

    uint256 public immutable STARTED_AT;
    address private immutable DEPLOYER;

    /// @notice The only address that mints; zero until it was named.
    address public distributor;
    /// @notice What was minted after the start.
    uint256 public emitted;

    event DistributorNamed(address indexed distributor);
    event Emitted(address indexed to, uint256 amount);

    error NotDeployer();
    error DistributorAlreadyNamed();
    error NotDistributor();
    error EmissionExceeded(uint256 asked, uint256 allowed);
    error ZeroAddress();

    constructor(address holder, uint256 initialSupply) ERC20("SUM", "SUM") ERC20Permit("SUM") {
        STARTED_AT = block.timestamp;
        DEPLOYER = msg.sender;
        _mint(holder, initialSupply);
    }

    /// @notice Names the distributor, once and for ever.
    function nameDistributor(address account) external {
        if (msg.sender != DEPLOYER) revert NotDeployer();
        if (distributor != address(0)) revert DistributorAlreadyNamed();
        if (account == address(0)) revert ZeroAddress();
        distributor = account;
        emit DistributorNamed(account);
    }

    /// @notice Mints what the schedule allows by now, or less.
    function emitTo(address to, uint256 amount) external {
        if (msg.sender != distributor) revert NotDistributor();
        uint256 allowed = emissionAllowed();
        if (amount > allowed) revert EmissionExceeded(amount, allowed);
        emitted += amount;
        emit Emitted(to, amount);
        _mint(to, amount);
    }

    /// @notice What may be minted now.
    function emissionAllowed() public view returns (uint256) {
        uint256 due = (block.timestamp - STARTED_AT) * EMISSION_PER_SECOND;
        return (due < EMISSION_CAP ? due : EMISSION_CAP) - emitted;
    }
}
