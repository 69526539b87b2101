//! Everything that leaves for the network: policy, resolver, transport, authentication, rate limits
