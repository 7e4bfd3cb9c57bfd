// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Which models somebody vouches for
/// @notice A publisher states for a model: the CID of its manifest, how many layers it has, and the hash of its weights. Where the shards
/// lie is not kept here: the mesh finds them by the CID.
/// @dev Free and open to anybody, and append-only for each publisher: a statement is never changed or taken back, a later version is another
/// entry. Threats: a name squatted (there are none; an entry's id is made of its publisher and what it states); a statement that is not
/// true (it is worth what its publisher is worth, and the hash shows whether the weights are those). Not upgradeable, no owner.
contract ModelRegistry {
    uint256 public constant MAX_CID_BYTES = 64;
    uint256 public constant MAX_LAYERS = 4096;

    struct Model {
        address publisher;
        uint32 layers;
        uint64 publishedAt;
        bytes32 modelHash;
        bytes manifestCid;
    }

    mapping(bytes32 modelId => Model) private _models;
    mapping(address publisher => bytes32[]) private _published;

    event ModelPublished(bytes32 indexed modelId, address indexed publisher, bytes32 indexed modelHash, uint32 layers, bytes manifestCid);

    error BadCid(uint256 sizeBytes, uint256 most);
    error BadLayers(uint256 layers, uint256 most);
    error BadHash();
    error AlreadyPublished(bytes32 modelId);
    error UnknownModel(bytes32 modelId);

    /// @param manifestCid the binary CID of the manifest, 1 to 64 bytes
    /// @param layers 1 to 4,096
    /// @param modelHash SHA-256 of the weights, as the manifest states it
    function publish(bytes calldata manifestCid, uint32 layers, bytes32 modelHash) external returns (bytes32 modelId) {
        if (manifestCid.length == 0 || manifestCid.length > MAX_CID_BYTES) revert BadCid(manifestCid.length, MAX_CID_BYTES);
        if (layers == 0 || layers > MAX_LAYERS) revert BadLayers(layers, MAX_LAYERS);
        if (modelHash == 0) revert BadHash();
        modelId = modelIdOf(msg.sender, manifestCid, layers, modelHash);
        if (_models[modelId].publisher != address(0)) revert AlreadyPublished(modelId);
        _models[modelId] = Model(msg.sender, layers, uint64(block.timestamp), modelHash, manifestCid);
        _published[msg.sender].push(modelId);
        emit ModelPublished(modelId, msg.sender, modelHash, layers, manifestCid);
    }

    function modelOf(bytes32 modelId) external view returns (Model memory model) {
        model = _models[modelId];
        if (model.publisher == address(0)) revert UnknownModel(modelId);
    }

    function publishedCount(address publisher) external view returns (uint256) {
        return _published[publisher].length;
    }

    /// @notice The publisher's entries, the oldest first; at most `count` from `offset` on, fewer at the end.
    function publishedBy(address publisher, uint256 offset, uint256 count) external view returns (bytes32[] memory modelIds) {
        bytes32[] storage all = _published[publisher];
        if (offset >= all.length) return modelIds;
        modelIds = new bytes32[](count < all.length - offset ? count : all.length - offset);
        for (uint256 i = 0; i < modelIds.length; i++) modelIds[i] = all[offset + i];
    }

    function modelIdOf(address publisher, bytes calldata manifestCid, uint32 layers, bytes32 modelHash) public pure returns (bytes32) {
        return keccak256(abi.encode(publisher, manifestCid, layers, modelHash));
    }
}
