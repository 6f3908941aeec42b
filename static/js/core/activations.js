// What an activation makes of one weighted sum; softmax is not of one alone.

export const ACTIVATIONS = {
  identity: (z) => z,
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z) => Math.max(0, z),
};
