#include "analyze/frame_rules.h"

#include <algorithm>
#include <array>

namespace unfrag::analyze {
namespace {

using enum FrameTag;

// Source: PyTorch 2.1 to 2.15 and the packages' releases of 2024 to 2026, by file and function. The first that fits
// counts, so exceptions stand before the folder they are in.
constexpr auto kRules = std::to_array<FrameRule>({
    // modules
    {"torch/nn/modules/module.py", "_call_impl _wrapped_call_impl _slow_forward __call__ inner", kModuleCall},
    {"torch/nn/modules/module.py",
     "_apply apply convert <lambda> cuda to xpu to_empty half float double bfloat16 type load_state_dict "
     "_load_from_state_dict load __init__",
     kSetup},
    {"torch/nn/modules/module.py", "zero_grad", kZeroGrad},
    {"torch/nn/modules/",
     "__init__ reset_parameters _reset_parameters flatten_parameters initialize_parameters _infer_parameters", kSetup},
    {"torch/nn/init.py", "", kSetup},
    {"torch/nn/parameter.py", "", kSetup},
    {"torch/nn/functional.py", "", kFunction},
    {"torch/functional.py", "", kFunction},
    {"torch/nested/", "", kFunction},
    {"torch/nn/attention/", "", kFunction},
    {"torch/_dynamo/compiled_autograd.py", "", kEngine},
    {"torch/_dynamo/eval_frame.py", "_fn __call__ compile_wrapper", kFunction},
    {"torch/_functorch/_aot_autograd/", "backward _backward_impl _double_backward", kEngine},
    {"torch/_inductor/runtime/triton_heuristics.py",
     "bench clone_args maybe_clone_args autotune_to_one_config benchmark_all_configs coordinate_descent_tuning",
     kScratch},
    {"torch/_inductor/select_algorithm.py", "benchmark autotune do_autotuning make_benchmark_fn", kScratch},
    {"triton/testing.py", "do_bench do_bench_cudagraph", kScratch},
    // several devices
    {"torch/nn/parallel/distributed.py", "_ddp_init_helper", kBuckets},
    {"torch/nn/parallel/replicate.py", "", kSetup},
    {"torch/nn/parallel/scatter_gather.py", "scatter scatter_map scatter_kwargs", kData},
    {"torch/nn/parallel/scatter_gather.py", "gather gather_map", kFunction},
    {"torch/distributed/algorithms/ddp_comm_hooks/", "", kBuckets},
    {"torch/distributed/fsdp/",
     "foreach_reduce post_backward _post_backward_hook _reduce_grad _reduce_grad_no_shard reduce_scatter", kBuckets},
    {"torch/distributed/fsdp/",
     "__init__ unshard _unshard _unshard_grad_params foreach_all_gather alloc_all_gather_outputs "
     "init_all_gather_outputs "
     "init_unsharded_param _alloc_padded_unsharded_flat_param flatten_tensors_into_flat_param "
     "_init_flat_param_and_metadata "
     "_init_sharded_param shard _get_shard pre_unshard all_gather_copy_in _move_module_to_device "
     "_move_states_to_device",
     kSetup},
    {"torch/distributed/utils.py", "_recursive_to _to_kwargs to_map", kData},
    // backward
    {"torch/autograd/__init__.py", "backward grad _make_grads", kEngine},
    {"torch/autograd/graph.py", "_engine_run_backward", kEngine},
    {"torch/autograd/graph.py", "unpack_from_cpu", kFunction},
    {"torch/autograd/function.py", "apply", kApply},
    {"torch/_tensor.py", "backward", kEngine},
    // optimizers
    {"torch/optim/lr_scheduler.py", "", kNeutral},
    {"torch/optim/swa_utils.py", "__init__", kNeutral},
    {"torch/optim/swa_utils.py", "", kStep},
    {"torch/optim/optimizer.py", "zero_grad", kZeroGrad},
    {"torch/optim/optimizer.py",
     "load_state_dict __setstate__ _process_value_according_to_param_policy _cast update_group add_param_group "
     "__init__",
     kState},
    {"torch/optim/optimizer.py", "wrapper profile_hook_step", kStep},
    {"torch/optim/", "_init_group _init_state __init__ __setstate__", kState},
    {"torch/optim/", "", kTorchStep},
    {"torch/amp/grad_scaler.py", "_lazy_init_scale_growth_tracker", kState},
    {"torch/amp/grad_scaler.py", "scale apply_scale", kFunction},
    {"torch/amp/grad_scaler.py", "", kStep},
    {"torch/cuda/amp/grad_scaler.py", "_lazy_init_scale_growth_tracker", kState},
    {"torch/cuda/amp/grad_scaler.py", "scale apply_scale", kFunction},
    {"torch/cuda/amp/grad_scaler.py", "", kStep},
    {"torch/nn/utils/clip_grad.py", "", kStep},
    {"fastai/optimizer.py", "zero_grad", kZeroGrad},
    {"fastai/optimizer.py", "load_state_dict __init__", kState},
    {"fastai/optimizer.py", "", kStep},
    {"accelerate/optimizer.py", "zero_grad", kZeroGrad},
    {"deepspeed/runtime/zero/partition_parameters.py", "", kSetup},
    {"deepspeed/runtime/", "initialize_optimizer_states", kState},
    {"transformers/optimization.py", "step", kStep},
    {"bitsandbytes/optim/", "zero_grad", kZeroGrad},
    {"bitsandbytes/optim/", "init_state get_state_buffer load_state_dict __init__", kState},
    {"bitsandbytes/optim/", "", kStep},
    {"apex/optimizers/", "__init__ load_state_dict", kState},
    {"apex/optimizers/", "", kStep},
    {"apex/contrib/optimizers/", "__init__ load_state_dict", kState},
    {"apex/contrib/optimizers/", "", kStep},
    {"deepspeed/ops/adam/", "", kStep},
    {"deepspeed/ops/lamb/", "", kStep},
    {"deepspeed/ops/lion/", "", kStep},
    {"timm/optim/", "", kStep},
    {"lion_pytorch/", "", kStep},
    {"schedulefree/", "", kStep},
    {"prodigyopt/", "", kStep},
    {"torchao/optim/", "", kStep},
    {"torchao/prototype/low_bit_optim/", "", kStep},
    {"torch_optimizer/", "", kStep},
    {"pytorch_optimizer/", "", kStep},
    {"galore_torch/", "", kStep},
    {"dadaptation/", "", kStep},
    {"adabelief_pytorch/", "", kStep},
    {"madgrad/", "", kStep},
    {"fairscale/optim/", "", kStep},
    // data
    {"torch/utils/data/", "", kData},
    {"torchvision/transforms/", "", kData},
    {"torchvision/datasets/", "", kData},
    {"torchaudio/datasets/", "", kData},
    {"kornia/augmentation/", "", kData},
    {"fastai/torch_core.py", "to_device _inner", kData},
    {"fastai/data/", "", kData},
    {"fastai/vision/augment.py", "", kData},
    {"transformers/trainer.py", "_prepare_inputs _prepare_input", kData},
    {"transformers/tokenization_utils_base.py", "", kData},
    {"transformers/feature_extraction_utils.py", "", kData},
    {"transformers/image_processing_base.py", "", kData},
    {"transformers/data/", "", kData},
    {"datasets/", "", kData},
    {"timm/data/", "", kData},
    {"accelerate/data_loader.py", "", kData},
    {"accelerate/utils/operations.py", "send_to_device _send_to_device", kData},
    {"lightning/",
     "transfer_batch_to_device batch_to_device move_data_to_device batch_to _apply_batch_transfer_handler", kData},
    {"pytorch_lightning/", "transfer_batch_to_device batch_to_device move_data_to_device batch_to", kData},
    {"lightning_fabric/", "transfer_batch_to_device batch_to_device move_data_to_device batch_to", kData},
    // loading of models
    {"transformers/modeling_utils.py", "caching_allocator_warmup", kScratch},
    {"transformers/modeling_utils.py",
     "from_pretrained _load_pretrained_model _load_state_dict_into_meta_model _load_state_dict_into_model "
     "load_shard_file load_shard_files load_state_dict _init_weights _initialize_weights initialize_weights "
     "_initialize_missing_keys smart_apply init_weights resize_token_embeddings _get_resized_embeddings",
     kSetup},
    {"transformers/core_model_loading.py", "", kSetup},
    {"transformers/initialization.py", "", kSetup},
    {"transformers/models/", "_init_weights from_pretrained", kSetup},
    {"transformers/quantizers/", "", kSetup},
    {"diffusers/models/", "from_pretrained load_model_dict_into_meta", kSetup},
    {"diffusers/loaders/", "", kSetup},
    {"peft/", "update_layer reset_lora_parameters set_peft_model_state_dict load_adapter", kSetup},
    {"timm/models/", "load_checkpoint load_pretrained load_state_dict init_weights", kSetup},
    {"safetensors/torch.py", "load_file load_model", kSetup},
    {"accelerate/utils/modeling.py", "set_module_tensor_to_device load_checkpoint_in_model load_state_dict", kSetup},
    {"accelerate/hooks.py", "init_hook", kSetup},
    {"bitsandbytes/nn/modules.py", "cuda to _quantize __init__", kSetup},
    {"vllm/model_executor/model_loader/", "", kSetup},
    {"transformer_engine/", "get_workspace get_cublas_workspace get_multi_stream_cublas_workspace", kScratch},
});

// "torch/optim/adam.py" of ".../site-packages/torch/optim/adam.py". Without such a folder, only a checkout of a package
// tells: /src/pytorch/torch/optim/adam.py, /git/fastai/fastai/optimizer.py.
std::string_view below_packages(std::string_view path) {
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const size_t at = path.rfind(packages);
    if (at != std::string_view::npos) return path.substr(at + packages.size());
  }
  for (const std::string_view checkout :
       {"/pytorch/torch/", "/torch/torch/", "/fastai/fastai/", "/transformers/src/transformers/",
        "/accelerate/src/accelerate/", "/lightning/src/lightning/", "/diffusers/src/diffusers/", "/timm/timm/",
        "/bitsandbytes/bitsandbytes/", "/vllm/vllm/"}) {
    const size_t at = path.rfind(checkout);
    if (at == std::string_view::npos) continue;
    const size_t name = path.rfind('/', at + checkout.size() - 2);
    return path.substr(name + 1);
  }
  return {};
}

bool is_listed(std::string_view names, std::string_view name) {
  for (size_t at = 0; at <= names.size();) {
    const size_t end = std::min(names.find(' ', at), names.size());
    if (names.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

std::vector<const FrameRule*> rules_for(std::string_view filename) {
  std::string normal(filename);
  std::ranges::replace(normal, '\\', '/');
  const std::string_view path = below_packages(normal);
  std::vector<const FrameRule*> found;
  if (path.empty()) return found;
  for (const FrameRule& rule : kRules) {
    const bool fits = rule.path.ends_with('/') ? path.starts_with(rule.path) : path == rule.path;
    if (fits) found.push_back(&rule);
  }
  return found;
}

FrameTag python_tag(const std::vector<const FrameRule*>& rules, std::string_view function) {
  for (const FrameRule* rule : rules) {
    if (rule->names.empty() || is_listed(rule->names, function)) return rule->tag;
  }
  return kNeutral;
}

FrameTag native_tag(std::string_view function) {
  if (function.starts_with("torch::autograd::Engine::") || function.starts_with("torch::autograd::Node::operator()")) {
    return kEngine;
  }
  for (const std::string_view part : {"orkspace", "getCurrentCUDABlas", "at::cuda::cub::", "ThrustAllocator"}) {
    // As the function itself, not among its arguments.
    if (contains(function.substr(0, function.find('(', 1)), part)) return kScratch;
  }
  return kNative;
}

}  // namespace unfrag::analyze
