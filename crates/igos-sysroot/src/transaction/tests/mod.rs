//! Steps and staging directories one by one, in real directories, where a whole transaction cannot bring them.

mod scene;

mod staging;
mod steps;
