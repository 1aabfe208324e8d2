// cuDNN: what computes, and descriptors that nobody reads. The rest is written by hand (dnn_*_calls.cpp).
#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

constexpr Rule kRules[] = {
    succeed("cudnnBatchNormalizationBackwardEx"),
    succeed("cudnnBatchNormalizationForwardInference"),
    succeed("cudnnBatchNormalizationForwardTrainingEx"),
    succeed("cudnnCTCLoss"),
    succeed("cudnnCTCLoss_v8"),
    succeed("cudnnConvolutionBackwardData"),
    succeed("cudnnConvolutionBackwardFilter"),
    succeed("cudnnConvolutionBiasActivationForward"),
    succeed("cudnnConvolutionForward"),
    handle("cudnnCreateActivationDescriptor"),
    handle("cudnnCreateDropoutDescriptor"),
    handle("cudnnCreatePoolingDescriptor"),
    handle("cudnnCreateSpatialTransformerDescriptor"),
    destroy("cudnnDestroyActivationDescriptor"),
    destroy("cudnnDestroyDropoutDescriptor"),
    destroy("cudnnDestroyPoolingDescriptor"),
    destroy("cudnnDestroySpatialTransformerDescriptor"),
    succeed("cudnnPoolingForward"),
    succeed("cudnnRNNBackwardData_v8"),
    succeed("cudnnRNNBackwardWeights_v8"),
    succeed("cudnnRNNForward"),
    succeed("cudnnRestoreDropoutDescriptor"),
    succeed("cudnnSetActivationDescriptor"),
    succeed("cudnnSetDropoutDescriptor"),
    succeed("cudnnSetPooling2dDescriptor"),
    succeed("cudnnSetSpatialTransformerNdDescriptor"),
    succeed("cudnnSpatialTfGridGeneratorBackward"),
    succeed("cudnnSpatialTfGridGeneratorForward"),
    succeed("cudnnSpatialTfSamplerBackward"),
    succeed("cudnnSpatialTfSamplerForward"),
};

}  // namespace

std::span<const Rule> cudnn_rules() { return kRules; }

}  // namespace unfrag::null
