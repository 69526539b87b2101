export { Button, IconButton, LinkButton, type ButtonProps, type Look } from "./Button";
export { Checkbox, CheckboxGroup, Field, FieldError, RadioGroup, SecretField, Select, Switch, TextArea, TextField, type Choice } from "./Field";
export { Icon, type IconName } from "./icons";
export { Detail } from "./Detail";
export { Empty, ErrorState, Loading, Notice, Skeleton, type Tone } from "./Notice";
export { Confirm, Dialog, Sheet } from "./Overlay";
export { Avatar, ConnectorIcon, CopyField, Facts, Pair, Progress, Sparkbars } from "./Small";
export { RunStatusMark, StateMark, Status, type StatusTone } from "./Status";
export { Table, type Column } from "./Table";
export { NavTabs, Segments, type Tab } from "./Tabs";
// ComboBox and Tooltip are imported by their own paths: not every screen needs what they bring along.
