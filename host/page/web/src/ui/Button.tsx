import type { ReactNode, Ref } from "react";
import { Button as AriaButton, type ButtonProps as AriaProps } from "react-aria-components/Button";

import { Link } from "../router/router";
import { Icon, type IconName } from "./icons";
import { Tooltip } from "./Tooltip";
import "./button.css";

export type Look = "primary" | "plain" | "quiet" | "danger";

export interface ButtonProps extends Omit<AriaProps, "className" | "children" | "style"> {
  /** One primary at most on a screen: the next useful action. */
  look?: Look;
  icon?: IconName;
  size?: "md" | "sm";
  wide?: boolean;
  ref?: Ref<HTMLButtonElement>;
  children: ReactNode;
}

const classes = (look: Look, size: string, wide: boolean) => `button button-${look} button-${size}${wide ? " button-wide" : ""}`;

/** While pending it keeps its width and its focus, and takes no further press. */
export function Button({ look = "plain", size = "md", icon, wide = false, children, ...rest }: ButtonProps) {
  const pending = rest.isPending === true;
  return (
    <AriaButton {...rest} className={classes(look, size, wide)}>
      {pending ? <Icon name="spinner" /> : icon !== undefined && <Icon name={icon} />}
      <span>{children}</span>
    </AriaButton>
  );
}

export interface IconButtonProps extends Omit<AriaProps, "className" | "children" | "style" | "aria-label"> {
  icon: IconName;
  /** What it does: its name for those who cannot see the icon, and its tooltip. */
  label: string;
  size?: "md" | "sm";
}

export function IconButton({ icon, label, size = "md", ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <AriaButton {...rest} aria-label={label} className={`button button-quiet button-${size} button-icon`}>
        <Icon name={rest.isPending === true ? "spinner" : icon} />
      </AriaButton>
    </Tooltip>
  );
}

/** A link that looks like a button: it leads to another screen. */
export function LinkButton({
  to,
  look = "plain",
  size = "md",
  icon,
  wide = false,
  children,
}: {
  to: string;
  look?: Look;
  size?: "md" | "sm";
  icon?: IconName;
  wide?: boolean;
  children: ReactNode;
}) {
  return (
    <Link to={to} className={classes(look, size, wide)}>
      {icon !== undefined && <Icon name={icon} />}
      <span>{children}</span>
    </Link>
  );
}
